// How far the price will go: the expected move of each horizon, its bounds, and who else says what.

import { byId, choice, make } from "./elements.ts";
import { duration, percent, whole } from "./format.ts";
import { ask } from "./key.ts";
import type { Market } from "./market.ts";
import type { MarketMoves, Move, MoveScore, Status } from "./wire.ts";

const MINUTE_MS = 60_000;
const REFRESH_MS = 10_000; // where nothing new is said, that it is old may be seen
const TOGETHER_MS = 200; // those of one close come one after the other
const NAMES: Record<string, string> = {
  ewma: "of late",
  har: "short and long",
  so_far: "so far",
  same_hour_of_yesterday: "yesterday",
};
const TARGETS = [
  { label: "Volatility", value: "volatility" },
  { label: "Range", value: "range" },
];

const NOTHING = "Nothing is known of how far it goes yet.";

type Missing = Pick<Status, "how_far_missing">;

export class HowFar {
  private target = "volatility";
  private shown = "";
  private askedAt = Number.NEGATIVE_INFINITY;
  private market: Market | null = null;
  private status: Missing = {};
  private waiting = 0;

  constructor() {
    choice(byId("how-far-targets"), TARGETS, this.target, (chosen) => {
      this.target = chosen;
      if (this.market) this.look(this.market);
    });
  }

  /** Ask anew where something else is to be shown, or it is time to. */
  look(market: Market, { how_far_missing: missing }: Missing = this.status): void {
    this.market = market;
    this.status = { how_far_missing: missing };
    const detail = missing?.[this.target]?.detail;
    byId("how-far-none").textContent = detail ?? NOTHING;
    const wanted = `${market.name} ${this.target}`;
    const isDue = performance.now() - this.askedAt > REFRESH_MS;
    if (document.hidden || (wanted === this.shown && !isDue)) return;
    this.shown = wanted;
    this.askedAt = performance.now();
    void this.ask(market.name, wanted);
  }

  /** Ask soon, as something new was said. */
  again(market: Market): void {
    this.waiting ||= window.setTimeout(() => {
      this.waiting = 0;
      this.askedAt = Number.NEGATIVE_INFINITY;
      this.look(market);
    }, TOGETHER_MS);
  }

  private async ask(market: string, wanted: string): Promise<void> {
    try {
      const answer = await ask(`/predictions?target=${this.target}`);
      if (wanted !== this.shown || !answer.ok) return;
      const told = (await answer.json()) as Record<string, MarketMoves>;
      show(told[market]);
    } catch {
      // the stream says that the server is gone, and it is asked again
    }
  }
}

function show(told: MarketMoves | undefined): void {
  const { moves, scores, bounds_missing } = told ?? { moves: [], scores: [], bounds_missing: [] };
  byId("how-far-none").hidden = moves.length > 0;
  byId("how-far-table").hidden = moves.length === 0;
  byId("how-far-table").classList.toggle("old", Boolean(told?.stale || told?.stalled));
  const scored = new Map(scores.map((score) => [score.horizon_ms, score]));
  const waits = new Map(bounds_missing.map((missing) => [missing.horizon_ms, missing]));
  const rows = moves.map((move) => {
    return tableRow(move, scored.get(move.horizon_ms), waits.get(move.horizon_ms));
  });
  byId("how-far-rows").replaceChildren(...rows);
}

type Wait = MarketMoves["bounds_missing"][number];

function tableRow(move: Move, score?: MoveScore, wait?: Wait): HTMLElement {
  const horizon = make("th", "", duration(move.horizon_ms));
  horizon.setAttribute("scope", "row");
  const sign = move.target === "volatility" ? "±\u00a0" : "";
  return make(
    "tr",
    "",
    horizon,
    make("td", "number", make("b", "", `${sign}${share(move.move)}`)),
    bounds(move.low_80, move.high_80, wait),
    bounds(move.low_90, move.high_90, wait),
    make("td", "", others(move)),
    make("td", "", held(score)),
  );
}

/** A share of the price with three digits, as moves of a minute are small. */
function share(value: number): string {
  const decimals = value > 0 ? Math.min(5, Math.max(2, 0 - Math.floor(Math.log10(value)))) : 2;
  return percent(value, decimals);
}

function bounds(low: number | null, high: number | null, wait?: Wait): HTMLElement {
  if (low !== null && high !== null) {
    return make("td", "number", `${share(low)} – ${share(high)}`);
  }
  const leftMs = wait ? Math.max(wait.needed_ms - wait.seen_ms, 0) : 0;
  const minutes = Math.ceil(leftMs / MINUTE_MS);
  const cell = make("td", "number", leftMs > 0 ? `in ${whole(minutes)} min` : "not known yet");
  if (wait) cell.title = wait.detail;
  return cell;
}

function others({ baselines }: Move): string {
  const said = Object.entries(baselines).map(
    ([name, move]) => `${NAMES[name] ?? name} ${share(move)}`,
  );
  return said.join(", ");
}

function held(score: MoveScore | undefined): string {
  if (!score) return "no outcome of a model yet";
  const shares = `${percent(score.coverage_80, 0)} and ${percent(score.coverage_90, 0)}`;
  return `${shares} of ${whole(score.outcomes)}`;
}
