// What is drawn over the candles: the intervals, the newest forecast, and how earlier ones ended.

import type { CanvasRenderingTarget2D } from "fancy-canvas";
import type {
  AutoscaleInfo,
  CandlestickData,
  IChartApi,
  IPrimitivePaneView,
  ISeriesApi,
  ISeriesPrimitive,
  Logical,
  Time,
  UTCTimestamp,
} from "lightweight-charts";
import { drawMark } from "./marks.ts";
import type { Market, Point } from "./market.ts";
import type { Palette } from "./palette.ts";

const MARK_GAP = 9;

/**
 * Draws in the chart's pane. A moment stands on the candle that closes at it, in the future too:
 * the time a prediction was made on the newest closed candle, its own moment as many candles on.
 */
export class Overlay implements ISeriesPrimitive<Time> {
  private market: Market | null = null;
  private points: Point[] = [];
  private colour: Palette | null = null;
  private requestUpdate: (() => void) | null = null;
  private readonly views: IPrimitivePaneView[];

  constructor(
    private readonly chart: IChartApi,
    private readonly series: ISeriesApi<"Candlestick">,
  ) {
    const view = (zOrder: "bottom" | "top", draw: (context: CanvasRenderingContext2D) => void) => ({
      zOrder: () => zOrder,
      renderer: () => ({
        draw: (target: CanvasRenderingTarget2D) =>
          target.useMediaCoordinateSpace(({ context }) => draw(context)),
      }),
    });
    this.views = [
      view("bottom", (context) => this.drawIntervals(context)),
      view("top", (context) => this.drawMarks(context)),
    ];
  }

  attached({ requestUpdate }: { requestUpdate: () => void }): void {
    this.requestUpdate = requestUpdate;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.views;
  }

  /** Keep the newest interval in sight. */
  autoscaleInfo(_from: Logical, to: Logical): AutoscaleInfo | null {
    const newest = this.points.at(-1);
    const end = newest && this.logical(newest.closeMs);
    if (!newest || end == null || end > to) return null;
    return { priceRange: { minValue: newest.low, maxValue: newest.high } };
  }

  paint(colour: Palette): void {
    this.colour = colour;
    this.requestUpdate?.();
  }

  show(market: Market, horizonMs: number): void {
    this.market = market;
    this.points = [...(market.points.get(horizonMs)?.values() ?? [])];
    this.requestUpdate?.();
  }

  private drawIntervals(context: CanvasRenderingContext2D): void {
    if (!this.colour) return;
    const bounds: [x: number, high: number, low: number][] = [];
    for (const point of this.visible()) {
      const x = this.x(point.forMs);
      const high = this.series.priceToCoordinate(point.high);
      const low = this.series.priceToCoordinate(point.low);
      if (x !== null && high !== null && low !== null) bounds.push([x, high, low]);
    }
    if (bounds.length > 1) {
      context.beginPath();
      for (const [x, high] of bounds) context.lineTo(x, high);
      for (const [x, , low] of bounds.toReversed()) context.lineTo(x, low);
      context.closePath();
      context.fillStyle = this.colour.ribbon;
      context.fill();
    }
    const newest = this.points.at(-1);
    if (newest) this.drawNewest(context, newest, this.colour);
  }

  private drawNewest(context: CanvasRenderingContext2D, point: Point, colour: Palette): void {
    const from = this.x(point.closeMs);
    const to = this.x(point.forMs);
    const [mid, price, low, high] = [point.mid, point.price, point.low, point.high].map((value) =>
      this.series.priceToCoordinate(value),
    );
    if (from === null || to === null || mid == null || price == null || low == null || high == null)
      return;
    context.beginPath();
    context.moveTo(from, mid);
    context.lineTo(to, high);
    context.lineTo(to, low);
    context.closePath();
    context.fillStyle = colour.band;
    context.fill();
    context.strokeStyle = context.fillStyle = colour.accent;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(from, mid);
    context.lineTo(to, price);
    context.moveTo(to, high);
    context.lineTo(to, low);
    for (const end of [high, low]) {
      context.moveTo(to - 4, end);
      context.lineTo(to + 4, end);
    }
    context.stroke();
    context.beginPath();
    context.arc(to, price, 3.5, 0, 2 * Math.PI);
    context.fill();
  }

  private drawMarks(context: CanvasRenderingContext2D): void {
    if (!this.colour || !this.market) return;
    const spacing = this.chart.timeScale().options().barSpacing;
    if (spacing < 4) return; // closer than that they are a smear
    for (const point of this.visible()) {
      const index = this.indexOf(point.closeMs);
      const candle = index === null ? null : (this.series.dataByIndex(index) as CandlestickData);
      const x = this.x(point.closeMs);
      if (x === null || !candle) continue;
      const below = point.direction !== "down";
      const edge = this.series.priceToCoordinate(below ? candle.low : candle.high);
      if (edge === null) continue;
      const y = below ? edge + MARK_GAP : edge - MARK_GAP;
      drawMark(context, x, y, Math.min(4.5, spacing / 2), point, this.colour);
    }
  }

  private visible(): Point[] {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!range) return [];
    const from = this.timeAt(range.from - 1);
    const to = this.timeAt(range.to + 1);
    return this.points.filter((point) => point.forMs >= from && point.closeMs <= to);
  }

  private timeAt(logical: number): number {
    if (!this.market) return 0;
    const { closedUntilMs, timeframeMs } = this.market;
    const last = this.indexOf(closedUntilMs) ?? 0;
    return closedUntilMs + (logical - last) * timeframeMs;
  }

  private x(momentMs: number): number | null {
    const logical = this.logical(momentMs);
    return logical === null
      ? null
      : this.chart.timeScale().logicalToCoordinate(logical as Logical);
  }

  private logical(momentMs: number): number | null {
    if (!this.market) return null;
    const { closedUntilMs, timeframeMs } = this.market;
    if (momentMs <= closedUntilMs) return this.indexOf(momentMs);
    const last = this.indexOf(closedUntilMs);
    return last === null ? null : last + (momentMs - closedUntilMs) / timeframeMs;
  }

  /** The index of the candle that closes at a moment, or first after it; null before them all. */
  private indexOf(momentMs: number): number | null {
    if (!this.market) return null;
    const time = (momentMs - this.market.timeframeMs) / 1_000;
    return this.chart.timeScale().timeToIndex(time as UTCTimestamp, true);
  }
}
