// A tour of 20 seconds for whoever is new: what the page shows, part by part.

import { byId } from "./elements.ts";
import { isRemembered, remember } from "./preferences.ts";

const OFFERED = "tour-offered";

/** What is pointed at, and the words for it: 80 at the most, which are read in 20 seconds. */
const STEPS = [
  {
    card: "predictions-card",
    title: "Where the price will be",
    text: "For each time ahead: up, down, no move or a toss-up, how probable each is, and an interval for the price.",
  },
  {
    card: "chart-card",
    title: "The chart",
    text: "Candles, the newest forecast as a wedge, and marks that say whether earlier ones were right.",
  },
  {
    card: "accuracy-card",
    title: "Right so far",
    text: "How often the direction was right, beside baselines and reference models. Skill is said only where it is proven.",
  },
  {
    card: "system-card",
    title: "Whether anything is missing",
    text: "Missing trades are counted here, candles compared with the exchange's own. A strip over the chart shows where.",
  },
] as const;

/** Begins by a button, which is offered once; the arrows go from step to step, Escape ends it. */
export class Tour {
  private readonly dialog = byId<HTMLDialogElement>("tour");
  private readonly offered = byId("tour-offer");
  private readonly start = byId("start-tour");
  private at = 0;

  constructor() {
    for (const button of [this.start, byId("take-tour")]) {
      button.addEventListener("click", () => this.begin());
    }
    byId("decline-tour").addEventListener("click", () => {
      this.offered.hidden = true;
      this.start.focus();
    });
    byId("tour-back").addEventListener("click", () => this.go(this.at - 1));
    byId("tour-next").addEventListener("click", () => this.go(this.at + 1));
    byId("tour-end").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.ended());
    this.dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowRight" && this.at < STEPS.length - 1) this.go(this.at + 1);
      if (key === "ArrowLeft") this.go(this.at - 1);
    });
  }

  /** Let it begin, now that there is something to be shown; offer it to whoever is here first. */
  offer(): void {
    this.start.hidden = false;
    if (isRemembered(OFFERED)) return;
    remember(OFFERED);
    this.offered.hidden = false;
  }

  private begin(): void {
    this.offered.hidden = true;
    this.dialog.showModal();
    this.go(0);
    byId("tour-next").focus();
  }

  private go(to: number): void {
    const step = STEPS[to];
    if (!step) {
      if (to >= STEPS.length) this.dialog.close();
      return;
    }
    this.at = to;
    byId("tour-title").textContent = step.title;
    byId("tour-text").textContent = step.text;
    byId("tour-count").textContent = `${to + 1} of ${STEPS.length}`;
    byId<HTMLButtonElement>("tour-back").disabled = to === 0;
    byId("tour-next").textContent = to === STEPS.length - 1 ? "Done" : "Next";
    this.pointAt(byId(step.card));
  }

  private pointAt(card: HTMLElement | null): void {
    for (const each of document.querySelectorAll(".toured")) each.classList.remove("toured");
    if (!card) return;
    card.classList.add("toured");
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    card.scrollIntoView({ behavior: isCalm ? "instant" : "smooth", block: "start" });
  }

  private ended(): void {
    this.pointAt(null);
    this.start.focus();
  }
}
