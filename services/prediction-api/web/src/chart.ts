// The candlestick chart with the mid, the chosen horizon's predictions over it.

import {
  CandlestickSeries,
  ColorType,
  createChart,
  CrosshairMode,
  HistogramSeries,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineSeries,
  LineStyle,
  type UTCTimestamp,
} from "lightweight-charts";
import { duration, priceDecimals } from "./format.ts";
import type { Market } from "./market.ts";
import { Overlay } from "./overlay.ts";
import { palette } from "./palette.ts";
import { TimeAxis } from "./time_axis.ts";
import type { CandleRow, IndicatorsAt } from "./wire.ts";

const MOST_DRAWN = 7_200; // then the chart is given the newest half anew, so that it does not grow
const FREE_BARS = 6;
const VOLUME_HEIGHT = 64; // pixels
const INDICATOR_HEIGHT = 80;
export const RANGES = [60, 300, 900]; // candles

export class PriceChart {
  readonly axis: TimeAxis;
  private readonly chart: IChartApi;
  private readonly candles: ISeriesApi<"Candlestick">;
  private readonly mids: ISeriesApi<"Line">;
  private readonly volumes: ISeriesApi<"Histogram">;
  private readonly overlay: Overlay;
  private readonly indicators = new Map<string, ISeriesApi<"Line">>();
  private predicted: IPriceLine | null = null;
  private market: Market | null = null;
  private horizonMs = 0;

  constructor(private readonly container: HTMLElement) {
    this.chart = createChart(container, {
      autoSize: true,
      layout: { attributionLogo: true, fontFamily: "system-ui, sans-serif" },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { scaleMargins: { top: 0.12, bottom: 0.12 } },
      timeScale: { timeVisible: true, barSpacing: 11, minBarSpacing: 1 },
    });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceLineVisible: false,
      lastValueVisible: false,
    });
    this.mids = this.chart.addSeries(LineSeries, {
      lineWidth: 2,
      priceLineVisible: false,
      crosshairMarkerVisible: false,
    });
    const pane = 1;
    this.volumes = this.chart.addSeries(
      HistogramSeries,
      { priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false },
      pane,
    );
    this.chart.panes()[pane]?.setHeight(VOLUME_HEIGHT);
    this.axis = new TimeAxis(this.chart, this.candles);
    this.overlay = new Overlay(this.chart, this.candles);
    this.candles.attachPrimitive(this.overlay);
    this.paint();
  }

  /** Take the colours of the page, which follow the system's light or dark. */
  paint(): void {
    const colour = palette();
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: colour.card },
        textColor: colour.text,
        panes: { separatorColor: colour.line, separatorHoverColor: colour.grid },
      },
      grid: { vertLines: { color: colour.grid }, horzLines: { color: colour.grid } },
      rightPriceScale: { borderColor: colour.line },
      timeScale: { borderColor: colour.line },
    });
    this.candles.applyOptions({
      upColor: colour.card, // hollow, so that up and down differ by more than colour
      borderUpColor: colour.up,
      wickUpColor: colour.up,
      downColor: colour.down,
      borderDownColor: colour.down,
      wickDownColor: colour.down,
    });
    this.mids.applyOptions({ color: colour.mid });
    this.volumes.applyOptions({ color: colour.volume });
    for (const line of this.indicators.values()) line.applyOptions({ color: colour.accent });
    this.predicted?.applyOptions({ color: colour.accent, axisLabelColor: colour.accent });
    this.overlay.paint(colour);
  }

  /** Draw a market from scratch, at the newest candle. */
  show(market: Market, horizonMs: number): void {
    const isAnother = this.market?.name !== market.name;
    this.market = market;
    this.axis.timeframeMs = market.timeframeMs;
    const priceFormat = { type: "price", ...priceDecimals(market.candles) } as const;
    this.candles.applyOptions({ priceFormat });
    this.mids.applyOptions({ priceFormat });
    this.chart.applyOptions({
      timeScale: { secondsVisible: market.timeframeMs < 60_000 },
    });
    this.drawAll();
    this.choose(horizonMs);
    if (isAnother) this.toNewest();
  }

  /** Draw the predictions of another horizon. */
  choose(horizonMs: number): void {
    if (!this.market) return;
    this.horizonMs = horizonMs;
    const ahead = Math.ceil(horizonMs / this.market.timeframeMs);
    this.chart.timeScale().applyOptions({ rightOffset: ahead + FREE_BARS });
    this.drawPredictions();
  }

  /** Draw one more candle, closed or forming, or another revision of one. */
  add(row: CandleRow): void {
    if (this.candles.data().length >= MOST_DRAWN) {
      this.drawAll();
      return;
    }
    const newest = this.candles.data().at(-1);
    const revised = newest !== undefined && Number(newest.time) > seconds(row[0]);
    this.candles.update(bar(row), revised);
    this.volumes.update(volume(row), revised);
    if (revised) return; // its mid stays: late trades do not change the book
    if (row[5] !== null) this.mids.update({ time: seconds(row[0]), value: row[5] });
  }

  /** Draw the predictions as they are known now. */
  drawPredictions(): void {
    if (!this.market) return;
    this.overlay.show(this.market, this.horizonMs);
    const newest = this.market.newest.get(this.horizonMs);
    if (!newest) {
      if (this.predicted) this.candles.removePriceLine(this.predicted);
      this.predicted = null;
      return;
    }
    const line = { price: newest.predicted_price, title: `in ${duration(this.horizonMs)}` };
    const { accent } = palette();
    this.predicted ??= this.candles.createPriceLine({
      ...line,
      color: accent,
      axisLabelColor: accent,
      lineWidth: 1,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: true,
    });
    this.predicted.applyOptions(line);
  }

  /** Draw these indicators, each in a pane, and no others; where `isAll`, `rows` are all there are. */
  drawIndicators(names: string[], rows: IndicatorsAt[], isAll: boolean): void {
    for (const [name, line] of this.indicators) {
      if (names.includes(name)) continue;
      this.chart.removeSeries(line); // its pane goes too
      this.indicators.delete(name);
    }
    this.container.style.setProperty("--panes", `${names.length}`);
    const { timeframeMs } = this.axis;
    for (const name of names) {
      const points = rows.map(({ close_time_ms: closeMs, values }) => {
        const time = seconds(closeMs - timeframeMs);
        const value = values[name] ?? null;
        return value === null ? { time } : { time, value };
      });
      const line = this.indicators.get(name) ?? this.newPane(name);
      if (isAll) line.setData(points);
      else for (const point of points) line.update(point);
    }
    if (isAll) this.sharePanes();
  }

  private newPane(name: string): ISeriesApi<"Line"> {
    const pane = this.chart.panes().length;
    const line = this.chart.addSeries(
      LineSeries,
      {
        title: name,
        color: palette().accent,
        lineWidth: 1,
        priceLineVisible: false,
        priceFormat: { type: "custom", minMove: 1e-12, formatter: (value: number) => `${Number(value.toPrecision(4))}` },
      },
      pane,
    );
    this.indicators.set(name, line);
    return line;
  }

  /** Give each pane its height; what is left is the candles'. */
  private sharePanes(): void {
    const [candles, volumes, ...others] = this.chart.panes();
    const beside = VOLUME_HEIGHT + INDICATOR_HEIGHT * others.length;
    const height = this.container.clientHeight - this.chart.timeScale().height();
    candles?.setStretchFactor(Math.max(INDICATOR_HEIGHT, height - beside));
    volumes?.setStretchFactor(VOLUME_HEIGHT);
    for (const pane of others) pane.setStretchFactor(INDICATOR_HEIGHT);
  }

  /** Scroll to the newest candle, with room for what is predicted after it. */
  toNewest(): void {
    const scale = this.chart.timeScale();
    scale.scrollToPosition(scale.options().rightOffset, false);
  }

  /** The lengths of time that can be shown: so many candles, in milliseconds. */
  get rangesMs(): number[] {
    return RANGES.map((candles) => candles * this.axis.timeframeMs);
  }

  /** Show so long a time up to the newest candle. */
  showRange(ms: number): void {
    const newest = this.candles.data().length - 1;
    const { rightOffset } = this.chart.timeScale().options();
    const from = newest - ms / this.axis.timeframeMs;
    this.chart.timeScale().setVisibleLogicalRange({ from, to: newest + rightOffset });
  }

  /** Have a function told of which candle is pointed at, by when it opened; null where of none. */
  onPoint(pointed: (openMs: number | null) => void): void {
    this.chart.subscribeCrosshairMove(({ time, point }) => {
      pointed(point && time !== undefined ? 1_000 * (time as UTCTimestamp) : null);
    });
  }

  private drawAll(): void {
    if (!this.market) return;
    const { candles, forming } = this.market;
    candles.splice(0, candles.length - MOST_DRAWN / 2);
    const rows = forming ? [...candles, forming] : candles;
    this.candles.setData(rows.map(bar));
    this.volumes.setData(rows.map(volume));
    this.mids.setData(
      rows.map((row) => {
        const time = seconds(row[0]);
        return row[5] === null ? { time } : { time, value: row[5] };
      }),
    );
  }
}

function bar([openMs, open, high, low, close]: CandleRow) {
  return { time: seconds(openMs), open, high, low, close };
}

function volume(row: CandleRow) {
  return { time: seconds(row[0]), value: row[6] };
}

function seconds(ms: number): UTCTimestamp {
  return (ms / 1_000) as UTCTimestamp;
}
