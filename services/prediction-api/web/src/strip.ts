// The strip over the chart's time that shows what is missing, and its words for each fault.

import { byId } from "./elements.ts";
import { type Fault, summary } from "./faults.ts";
import { Inquiry } from "./inquiry.ts";
import type { Market } from "./market.ts";
import type { Range, TimeAxis } from "./time_axis.ts";

const LEAST_WIDTH = 5; // pixels, so that a moment can be seen and pointed at
const MARGIN = 4;
const NOT_KNOWN = "It is not known whether anything is missing in the time shown.";

interface Mark {
  fault: Fault;
  button: HTMLButtonElement;
}

/**
 * Marks are one stop for the Tab key, the arrows go from one to the next. Pointing at a mark, or
 * focus on it, shows its words; Escape hides them.
 */
export class Strip {
  private readonly root: HTMLElement;
  private readonly words: HTMLElement;
  private readonly said: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly marks = new Map<string, Mark>();
  private market: Market | null = null;
  private inquiry: Inquiry | null = null;

  constructor(
    private readonly axis: TimeAxis,
    prefix: string,
  ) {
    this.root = byId(`${prefix}faults`);
    this.words = byId(`${prefix}fault-words`);
    this.said = byId(`${prefix}faults-said`);
    this.legend = byId(`${prefix}faults-legend`);
    axis.onMove(() => this.moved());
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    this.root.parentElement?.addEventListener("pointerleave", () => this.hide());
    this.root.addEventListener("focusout", () => this.hide());
  }

  /** Show another market, or the same anew. */
  show(market: Market): void {
    this.inquiry?.stop();
    if (this.market?.name !== market.name) this.draw([]);
    this.market = market;
    this.inquiry = new Inquiry(market, (faults) => {
      this.draw(faults);
      this.moved();
    });
    this.moved();
  }

  /** Put the marks where their times are now, and ask for what is not known of them. */
  moved(): void {
    const visible = this.axis.visible();
    if (!visible || !this.market || !this.inquiry) return;
    for (const mark of this.marks.values()) this.place(mark, visible, this.market.closedUntilMs);
    const seen = this.seen();
    this.legend.hidden = this.root.hidden = seen.length === 0;
    if (!seen.some(({ button }) => button.tabIndex === 0)) this.stopAt(seen[0]);
    this.say(this.inquiry.knows(visible) ? summary(seen.map(({ fault }) => fault)) : NOT_KNOWN);
    this.inquiry.look(visible);
  }

  private say(text: string): void {
    if (this.said.textContent !== text) this.said.textContent = text;
  }

  /** Keep the marks that stay, for one may have the focus. */
  private draw(faults: Fault[]): void {
    const keys = new Set(faults.map(({ key }) => key));
    for (const [key, { button }] of this.marks) {
      if (keys.has(key)) continue;
      button.remove();
      this.marks.delete(key);
    }
    if (!faults.length) this.hide();
    for (const fault of faults) {
      const button = this.marks.get(fault.key)?.button ?? this.made(fault.key);
      button.className = `mark ${fault.kind}`;
      button.ariaLabel = fault.text;
      this.marks.set(fault.key, { fault, button });
    }
  }

  private made(key: string): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    for (const event of ["pointerenter", "focus", "click"]) {
      button.addEventListener(event, () => this.tell(key));
    }
    this.root.append(button);
    return button;
  }

  private place({ fault, button }: Mark, visible: Range, newestMs: number): void {
    const untilMs = Math.max(fault.fromMs, fault.untilMs ?? newestMs);
    button.hidden = untilMs < visible[0] || fault.fromMs > visible[1];
    if (button.hidden) return;
    const from = this.axis.x(fault.fromMs) ?? 0;
    const until = this.axis.x(untilMs) ?? 0;
    const { width } = this.axis;
    const left = Math.max(0, Math.min(from, width - LEAST_WIDTH));
    button.style.left = `${left}px`;
    button.style.width = `${Math.max(LEAST_WIDTH, Math.min(until, width) - left)}px`;
  }

  /** The marks in sight, oldest first. */
  private seen(): Mark[] {
    const seen = [...this.marks.values()].filter(({ button }) => !button.hidden);
    return seen.sort((one, other) => one.fault.fromMs - other.fault.fromMs);
  }

  private stopAt(mark: Mark | undefined): void {
    for (const { button } of this.marks.values()) button.tabIndex = -1;
    if (mark) mark.button.tabIndex = 0;
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key === "Escape") this.hide();
    const seen = this.seen();
    const at = seen.findIndex(({ button }) => button === document.activeElement);
    const last = seen.length - 1;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    const mark = next === undefined ? undefined : seen[next];
    if (!mark) return;
    event.preventDefault();
    this.stopAt(mark);
    mark.button.focus();
  }

  private tell(key: string): void {
    const mark = this.marks.get(key);
    if (!mark) return;
    this.words.textContent = mark.fault.text;
    this.words.hidden = false;
    const room = this.axis.width - this.words.offsetWidth - MARGIN;
    this.words.style.left = `${Math.max(0, Math.min(mark.button.offsetLeft, room))}px`;
  }

  private hide(): void {
    this.words.hidden = true;
  }
}
