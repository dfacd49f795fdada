// Where moments are on the chart's time, which has no room for candles that never were.

import type {
  CandlestickData,
  IChartApi,
  ISeriesApi,
  Logical,
  UTCTimestamp,
} from "lightweight-charts";

/** Since and until when, in milliseconds UTC. */
export type Range = readonly [fromMs: number, untilMs: number];

/** A candle's time is as wide as the candle: it opens at its left edge and closes at its right. */
export class TimeAxis {
  timeframeMs = 1;

  constructor(
    private readonly chart: IChartApi,
    private readonly candles: ISeriesApi<"Candlestick">,
  ) {}

  /** How wide the pane is, in pixels. */
  get width(): number {
    return this.chart.timeScale().width();
  }

  /** Where a moment is, in pixels from the pane's left edge; null while nothing is drawn. */
  x(momentMs: number): number | null {
    const scale = this.chart.timeScale();
    const openMs = Math.floor(momentMs / this.timeframeMs) * this.timeframeMs;
    const index: number | null = scale.timeToIndex((openMs / 1_000) as UTCTimestamp, true);
    const openedMs = index === null ? null : this.openMs(index);
    if (index === null || openedMs === null) return null;
    const passed = Math.max(0, (momentMs - openedMs) / this.timeframeMs);
    const middle = scale.logicalToCoordinate(index as Logical); // of whole indices only
    return middle === null ? null : middle + (passed - 0.5) * scale.options().barSpacing;
  }

  /** The time that is in sight; null while nothing is drawn. */
  visible(): Range | null {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    const from = range && this.timeAt(range.from);
    const until = range && this.timeAt(range.to);
    return from === null || until === null ? null : [from, until];
  }

  /** Have a function called whenever moments move on the screen. */
  onMove(moved: () => void): void {
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(moved);
    this.chart.timeScale().subscribeSizeChange(moved);
  }

  private timeAt(logical: number): number | null {
    const newest = this.candles.data().length - 1;
    const index = Math.max(0, Math.min(newest, Math.round(logical)));
    const openMs = this.openMs(index);
    return openMs === null ? null : openMs + (logical - index + 0.5) * this.timeframeMs;
  }

  private openMs(index: number): number | null {
    const candle = this.candles.dataByIndex(index) as CandlestickData<UTCTimestamp> | null;
    return candle && 1_000 * candle.time;
  }
}
