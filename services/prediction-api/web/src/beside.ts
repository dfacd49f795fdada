// A second market beside the first, to be compared: its chart, its predictions, how right it was.

import type { Alerts } from "./alerts.ts";
import { byId, make } from "./elements.ts";
import { duration } from "./format.ts";
import { Panel } from "./panel.ts";
import type { Following, Listener } from "./stream.ts";
import { showState, stateOf } from "./system.ts";
import type { FollowedMarket, News, View } from "./wire.ts";

const PREFIX = "beside-";
const CARDS = ["chart-card", "predictions-card", "accuracy-card"];
const FOR_BOTH = ".choice, .help, button, .legend:not([id])"; // those of the first market
const QUIET_MS = 4_000; // a status comes each second

export class Beside implements Listener {
  private readonly cards = CARDS.map(copied);
  private readonly state = make("p", "pill");
  private panel: Panel | null = null;
  private horizonMs = 0;
  private drawing = 0;
  private heardAt = 0;

  constructor(
    private readonly alerts: Alerts,
    private readonly following: Following,
  ) {
    this.state.setAttribute("role", "status");
    this.cards[0]?.querySelector(".bar")?.append(this.state);
  }

  get isShown(): boolean {
    return byId("dashboard").classList.contains("two");
  }

  /** Show a market, or with null none. */
  show(market: FollowedMarket | null): void {
    cancelAnimationFrame(this.drawing); // of what was shown before
    this.drawing = 0;
    this.following.follow(this, market);
    byId("dashboard").classList.toggle("two", market !== null);
    if (!market) {
      for (const card of this.cards) card.remove();
      return;
    }
    for (const [index, card] of this.cards.entries()) byId(CARDS[index] ?? "").after(card);
    this.panel ??= new Panel(PREFIX);
    this.panel.chart.paint();
    showState("loading", false, false, this.state);
  }

  asked(): void {
    this.heardAt = performance.now();
  }

  choose(horizonMs: number): void {
    this.horizonMs = horizonMs;
    this.panel?.choose(horizonMs);
  }

  /** The chart, where one is shown. */
  get chart(): Panel["chart"] | null {
    return this.isShown ? (this.panel?.chart ?? null) : null;
  }

  viewed(view: View): void {
    const horizonMs = this.horizonMs || (view.horizons_ms[0] ?? 0);
    this.panel?.show(view, horizonMs);
    this.panel?.name(true);
    this.heard();
  }

  news<Name extends keyof News>(name: Name, news: News[Name]): void {
    const market = this.panel?.market;
    if (!this.panel || !market) return;
    this.panel.hear(name, news);
    const { prediction, status } = { [name]: news } as Partial<News>;
    if (prediction?.prediction.horizon_ms === this.horizonMs) {
      this.alerts.predicted(market, prediction.prediction);
    }
    if (status) this.alerts.heardOf(market, status.feed);
    this.heard();
  }

  lost(): void {
    showState("reconnecting to the server", false, true, this.state);
    this.panel?.look(true);
  }

  /** Say so where nothing has come for too long, though the connection seems to stand. */
  checkQuiet(): void {
    const quietMs = performance.now() - this.heardAt;
    if (!this.isShown || quietMs < QUIET_MS) return;
    showState(`no news for ${duration(quietMs)}`, false, true, this.state);
    this.panel?.look(true);
  }

  private heard(): void {
    this.heardAt = performance.now();
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      const status = this.panel?.draw();
      if (!status) return;
      const { text, isGood, isBad } = stateOf(status);
      showState(text, isGood, isBad, this.state);
    });
  }
}

/** Copy a card while it is empty; the ids of the copy have the prefix. */
function copied(id: string): HTMLElement {
  const copy = byId(id).cloneNode(true) as HTMLElement;
  for (const each of copy.querySelectorAll(FOR_BOTH)) each.remove();
  for (const each of [copy, ...copy.querySelectorAll("*")]) {
    for (const name of ["id", "aria-labelledby"]) {
      const value = each.getAttribute(name);
      if (value) each.setAttribute(name, PREFIX + value);
    }
  }
  return copy;
}
