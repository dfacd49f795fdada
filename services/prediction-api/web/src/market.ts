// What is known of the market that is shown, kept as bounded as the server keeps it.

import type { CandleRow, Happened, PointRow, Predicted, Prediction, Status, View } from "./wire.ts";

export interface Point {
  closeMs: number;
  forMs: number;
  mid: number;
  price: number;
  low: number;
  high: number;
  direction: PointRow[6];
  verdict: PointRow[7];
}

const MOST_POINTS = 1_200;

export class Market {
  readonly name: string;
  readonly venue: string;
  readonly symbol: string;
  readonly timeframeMs: number;
  readonly horizonsMs: number[];
  readonly candles: CandleRow[];
  readonly newest = new Map<number, Prediction>();
  readonly previews = new Map<number, Prediction>();
  readonly points = new Map<number, Map<number, Point>>();
  forming: CandleRow | null;
  status: Status | null = null;

  constructor(view: View) {
    this.name = view.market;
    this.venue = view.venue;
    this.symbol = view.symbol;
    this.timeframeMs = view.timeframe_ms;
    this.horizonsMs = view.horizons_ms;
    this.candles = view.candles;
    this.forming = view.forming;
    for (const horizonMs of view.horizons_ms) {
      const rows = view.points[horizonMs] ?? [];
      this.points.set(horizonMs, new Map(rows.map((row) => [row[0], pointOf(row)])));
      const newest = view.newest[horizonMs];
      if (newest) this.newest.set(horizonMs, newest);
      const preview = view.previews[horizonMs];
      if (preview) this.previews.set(horizonMs, preview);
    }
  }

  /** When the newest candle closed, 0 before the first. */
  get closedUntilMs(): number {
    const last = this.candles.at(-1);
    return last ? last[0] + this.timeframeMs : 0;
  }

  /** Add a closed candle, or a later revision of one; false where it is older than all shown. */
  addCandle(row: CandleRow): boolean {
    const before = this.candles.findLastIndex((one) => one[0] <= row[0]);
    if (this.candles[before]?.[0] === row[0]) this.candles[before] = row;
    else if (before === this.candles.length - 1) this.candles.push(row);
    else return false;
    if (this.forming && this.forming[0] <= row[0]) this.forming = null;
    return true;
  }

  /** The candle that opened at a moment, closed or forming. */
  candleAt(openMs: number): CandleRow | undefined {
    if (this.forming?.[0] === openMs) return this.forming;
    return this.candles.findLast(([time]) => time === openMs);
  }

  addPrediction({ prediction, point }: Predicted): void {
    const points = this.points.get(prediction.horizon_ms);
    if (!points) return;
    this.newest.set(prediction.horizon_ms, prediction);
    this.previews.delete(prediction.horizon_ms);
    if (point) points.set(point[0], pointOf(point));
    if (points.size > MOST_POINTS) points.delete(points.keys().next().value ?? 0);
  }

  addOutcome(happened: Happened): void {
    const point = this.points.get(happened.horizon_ms)?.get(happened.close_time_ms);
    if (point) point.verdict = happened.verdict;
  }
}

function pointOf(row: PointRow): Point {
  const [closeMs, forMs, mid, price, low, high, direction, verdict] = row;
  return { closeMs, forMs, mid, price, low, high, direction, verdict };
}
