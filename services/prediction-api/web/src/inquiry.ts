// How whole a market is, asked of the server no more often than needed.

import { type Fault, faultsOf } from "./faults.ts";
import { ask } from "./key.ts";
import type { Market } from "./market.ts";
import type { Range } from "./time_axis.ts";
import type { IntegrityTold } from "./wire.ts";

const REFRESH_MS = 10_000;
const ELSEWHERE_MS = 1_000; // where the chart was moved to a time not asked for yet
const LONGEST_MS = 31 * 86_400_000; // the server answers no more at once

const NOTHING: Range = [0, 0];

export class Inquiry {
  private asked = NOTHING;
  private answered = NOTHING;
  private askedAt = Number.NEGATIVE_INFINITY;
  private isWaiting = false;
  private readonly stopped = new AbortController();

  constructor(
    private readonly market: Market,
    private readonly tell: (faults: Fault[]) => void,
  ) {}

  /** Say whether the faults of all the time in sight have been told. */
  knows(visible: Range): boolean {
    return isWithin(visible, this.answered);
  }

  /** Ask anew where it is time to, given the time in sight. */
  look(visible: Range): void {
    if (this.isWaiting || document.hidden) return;
    const pause = isWithin(visible, this.asked) ? REFRESH_MS : ELSEWHERE_MS;
    if (performance.now() - this.askedAt < pause) return;
    // With as much on both sides as there is in sight, so that moving on does not ask each time.
    const [fromMs, untilMs] = visible;
    const beside = Math.max(untilMs - fromMs, 2 * REFRESH_MS);
    const until = Math.ceil(untilMs + beside);
    this.asked = [Math.max(0, Math.floor(fromMs - beside), until - LONGEST_MS), until];
    this.askedAt = performance.now();
    void this.ask(this.asked);
  }

  /** Give up: nothing is told any more. */
  stop(): void {
    this.stopped.abort();
  }

  private async ask(range: Range): Promise<void> {
    const [venue, symbol] = [this.market.venue, this.market.symbol].map(encodeURIComponent);
    const query = new URLSearchParams({ from: String(range[0]), to: String(range[1]) });
    const { signal } = this.stopped;
    this.isWaiting = true;
    let told: IntegrityTold | null = null;
    try {
      const answer = await ask(`/integrity/${venue}/${symbol}?${query}`, signal);
      if (answer.ok) told = await answer.json();
    } catch {
      if (signal.aborted) return;
    }
    this.isWaiting = false;
    this.answered = told ? range : NOTHING; // where it failed it is asked again in its time
    if (told) this.tell(faultsOf(told, this.market.closedUntilMs));
  }
}

function isWithin(inner: Range, outer: Range): boolean {
  return inner[0] >= outer[0] && inner[1] <= outer[1];
}
