// How accuracy has changed with time, and which models served meanwhile, on one axis.

import { byId, choice, make, placed } from "./elements.ts";
import { duration, minute, percent, whole } from "./format.ts";
import { ask } from "./key.ts";
import type { Market } from "./market.ts";
import type { AccuracyTold, ServedModel, Stretch } from "./wire.ts";

const COIN = 0.5;
const STEP = 0.1;
const HOUR_MS = 3_600_000;
const RANGES_MS = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 168 * HOUR_MS];
const ASKED_OFTEN = 120; // times while the range goes by: counting a week takes the server seconds
const COLOURS = 5;
const WIDE_ENOUGH = 0.12; // of the axis, for a name in its segment

export class OverTime {
  private rangeMs = HOUR_MS;
  private shown = "";
  private askedAt = Number.NEGATIVE_INFINITY;
  private market: Market | null = null;
  private horizonMs = 0;

  constructor() {
    const options = RANGES_MS.map((value) => ({ label: duration(value), value }));
    choice(byId("over-time-ranges"), options, this.rangeMs, (chosen) => {
      this.rangeMs = chosen;
      if (this.market) this.look(this.market, this.horizonMs);
    });
  }

  /** Ask anew where something else is to be shown, or it is time to. */
  look(market: Market, horizonMs: number): void {
    this.market = market;
    this.horizonMs = horizonMs;
    const wanted = `${market.name} ${horizonMs} ${this.rangeMs}`;
    const isDue = performance.now() - this.askedAt > this.rangeMs / ASKED_OFTEN;
    if (document.hidden || market.closedUntilMs === 0 || (wanted === this.shown && !isDue)) return;
    this.shown = wanted;
    this.askedAt = performance.now();
    void this.ask(market, horizonMs, wanted);
  }

  private async ask(market: Market, horizonMs: number, wanted: string): Promise<void> {
    const path = [market.venue, market.symbol].map(encodeURIComponent).join("/");
    const untilMs = market.closedUntilMs + 1;
    const fromMs = untilMs - this.rangeMs;
    const horizon = `${horizonMs}ms`;
    const query = new URLSearchParams({ from: `${fromMs}`, to: `${untilMs}`, horizon });
    try {
      const answers = await Promise.all([
        ask(`/predictions/${path}/accuracy?${query}`),
        ask(`/models/${path}?${query}`),
      ]);
      if (wanted !== this.shown || answers.some((answer) => !answer.ok)) return;
      const accuracy = (await answers[0].json()) as AccuracyTold;
      const models = (await answers[1].json()) as ServedModel[];
      const axis = new TimeAxis(fromMs, untilMs);
      showAccuracyOverTime(accuracy.stretches, axis, horizonMs);
      showChampions(models, axis);
    } catch {
      // the stream says that the server is gone, and it is asked again
    }
  }
}

class TimeAxis {
  constructor(
    readonly fromMs: number,
    readonly untilMs: number,
  ) {}

  at(ms: number): number {
    const share = (ms - this.fromMs) / (this.untilMs - this.fromMs);
    return Math.min(1, Math.max(0, share));
  }

  labels(): HTMLElement[] {
    return [0, 0.5, 1].map((share) => {
      const ms = this.fromMs + share * (this.untilMs - this.fromMs);
      const label = make("span", "", minute(ms).slice(5));
      label.style.left = `${100 * share}%`;
      return label;
    });
  }
}

function showAccuracyOverTime(stretches: Stretch[], axis: TimeAxis, horizonMs: number): void {
  const known = stretches.filter(isKnown);
  byId("over-time-title").textContent = `Right over time, ${duration(horizonMs)} ahead`;
  byId("over-time-none").hidden = known.length > 0;
  const plot = byId("accuracy-over-time");
  plot.hidden = known.length === 0;
  const shares = known.map(({ accuracy }) => accuracy);
  const from = Math.floor((Math.min(COIN - STEP, ...shares) - STEP / 2) / STEP) * STEP;
  const to = Math.ceil((Math.max(COIN + STEP, ...shares) + STEP / 2) / STEP) * STEP;
  const up = (share: number) => 100 * Math.min(1, Math.max(0, (share - from) / (to - from)));
  const lines = Array.from({ length: Math.round((to - from) / STEP) + 1 }, (_, index) => {
    const step = from + index * STEP;
    const line = make("i", Math.abs(step - COIN) < STEP / 10 ? "level coin" : "level");
    line.style.bottom = `${up(step)}%`;
    line.dataset.share = percent(step, 0);
    return line;
  });
  const marks = known.flatMap((one) => {
    const middle = axis.at((one.from_ms + one.to_ms) / 2);
    const interval = placed("interval", middle);
    interval.style.bottom = `${up(one.low)}%`;
    interval.style.height = `${up(one.high) - up(one.low)}%`;
    const dot = placed("dot", middle);
    dot.style.bottom = `${up(one.accuracy)}%`;
    dot.title = inWords(one);
    return [interval, dot];
  });
  plot.replaceChildren(...lines, ...marks);
  byId("over-time-axis").replaceChildren(...axis.labels());
  byId("over-time-rows").replaceChildren(...known.toReversed().map(tableRow));
}

/** A stretch in which something moved. */
type Known = Stretch & { accuracy: number; low: number; high: number };

function isKnown(stretch: Stretch): stretch is Known {
  return stretch.accuracy !== null && stretch.low !== null && stretch.high !== null;
}

function inWords(one: Known): string {
  const interval = `${percent(one.low)} – ${percent(one.high)}`;
  return `${minute(one.from_ms)} to ${minute(one.to_ms).slice(11)}: ${percent(one.accuracy)} (${interval}) of ${whole(one.moved)} moves`;
}

function tableRow(one: Known): HTMLElement {
  const time = make("th", "", minute(one.from_ms));
  time.setAttribute("scope", "row");
  return make(
    "tr",
    "",
    time,
    make("td", "number", percent(one.accuracy)),
    make("td", "number", `${percent(one.low)} – ${percent(one.high)}`),
    make("td", "number", whole(one.moved)),
    make("td", "number", percent(one.coverage)),
  );
}

/** Show from when to when each version served, the first of the time in sight first. */
function showChampions(models: ServedModel[], axis: TimeAxis): void {
  const served = models
    .filter((one) => one.first_close_ms !== null && one.last_close_ms !== null)
    .sort((one, other) => (one.first_close_ms ?? 0) - (other.first_close_ms ?? 0));
  const names = [...new Set(served.map(nameOf))].sort();
  const segments = served.map((one) => {
    const left = axis.at(one.first_close_ms ?? 0);
    const width = axis.at(one.last_close_ms ?? 0) - left;
    const segment = placed(`colour-${names.indexOf(nameOf(one)) % COLOURS}`, left, width);
    if (width > WIDE_ENOUGH) segment.textContent = nameOf(one);
    segment.title = championInWords(one);
    return segment;
  });
  byId("champions").replaceChildren(...segments);
  const items = served.toReversed().map((one) => make("li", "", championInWords(one)));
  byId("champions-said").replaceChildren(...items);
}

function nameOf({ name }: ServedModel): string {
  return name?.replaceAll("_", " ") ?? "not announced";
}

function championInWords(one: ServedModel): string {
  const since = `${minute(one.first_close_ms ?? 0)} to ${minute(one.last_close_ms ?? 0).slice(5)}`;
  const right =
    one.accuracy === null
      ? "nothing moved"
      : `${percent(one.accuracy)} right of ${whole(one.moved)} moves`;
  return `${nameOf(one)}, version ${one.version}: ${since}, ${right}`;
}
