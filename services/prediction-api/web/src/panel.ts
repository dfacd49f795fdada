// What is shown of one market: its chart with the strip over it, its predictions, how right it was.

import { showAccuracy } from "./accuracy.ts";
import { PriceChart } from "./chart.ts";
import { byId } from "./elements.ts";
import { duration } from "./format.ts";
import { Market } from "./market.ts";
import { showPredictions } from "./predictions.ts";
import { preferences } from "./preferences.ts";
import { showReadout } from "./readout.ts";
import { Strip } from "./strip.ts";
import type { News, Status, View } from "./wire.ts";

/** Its elements are those of index.html, with a prefix where they are copies. */
export class Panel {
  readonly chart: PriceChart;
  market: Market | null = null;
  private readonly strip: Strip;
  private horizonMs = 0;
  private pointedMs: number | null = null;
  private drawnStatus: Status | null = null;

  constructor(private readonly prefix = "") {
    this.chart = new PriceChart(this.find("chart"));
    this.strip = new Strip(this.chart.axis, prefix);
    this.chart.onPoint((openMs) => {
      this.pointedMs = openMs;
      this.readOut();
    });
  }

  find(id: string): HTMLElement {
    return byId(this.prefix + id);
  }

  /** Show all that is known of a market, another one or the same anew. */
  show(view: View, horizonMs: number): void {
    const market = new Market(view);
    const isAnother = this.market?.name !== market.name;
    if (this.market && !isAnother) market.status = this.market.status;
    this.market = market;
    this.horizonMs = horizonMs;
    const candles = `candles of ${duration(view.timeframe_ms)}`;
    this.find("chart-title").textContent = `${view.symbol} on ${view.venue}, ${candles}`;
    this.chart.show(market, horizonMs);
    this.strip.show(market);
    const shown = preferences().candles;
    if (isAnother && shown !== null) this.chart.showRange(shown * view.timeframe_ms);
  }

  hear<Name extends keyof News>(name: Name, news: News[Name]): void {
    const { market, chart } = this;
    if (!market) return;
    const told = { [name]: news } as Partial<News>;
    if (told.candle && market.addCandle(told.candle)) chart.add(told.candle);
    if (told.forming && told.forming[0] >= market.closedUntilMs) {
      market.forming = told.forming;
      chart.add(told.forming);
    }
    if (told.prediction) market.addPrediction(told.prediction);
    if (told.preview) market.previews.set(told.preview.horizon_ms, told.preview);
    if (told.outcome) market.addOutcome(told.outcome);
    if (told.status) market.status = told.status;
  }

  choose(horizonMs: number): void {
    this.horizonMs = horizonMs;
    this.chart.choose(horizonMs);
    const { drawnStatus } = this;
    if (drawnStatus) showAccuracy(drawnStatus.horizons, horizonMs, this.find("accuracy"));
    this.readOut();
  }

  /** Draw what is new; return the status where that is. */
  draw(): Status | null {
    const { market } = this;
    if (!market) return null;
    this.chart.drawPredictions();
    this.strip.moved();
    showPredictions(market, this.find("predictions"));
    this.readOut();
    const { status } = market;
    if (!status || status === this.drawnStatus) return null;
    this.drawnStatus = status;
    showAccuracy(status.horizons, this.horizonMs, this.find("accuracy"));
    this.look(status.state === "stalled" || status.state === "stale");
    return status;
  }

  /** Have it look old, or of now. */
  look(isOld: boolean): void {
    for (const id of ["chart-card", "predictions"]) this.find(id).classList.toggle("old", isOld);
  }

  /** Say of which market the panels beside the chart are, where several are shown. */
  name(isOneOfTwo: boolean): void {
    const { market } = this;
    const whose = isOneOfTwo && market ? `${market.symbol} on ${market.venue}` : "";
    for (const id of ["predictions-whose", "accuracy-whose"]) this.find(id).textContent = whose;
  }

  private readOut(): void {
    if (this.market) {
      showReadout(this.market, this.horizonMs, this.pointedMs, this.find("readout"));
    }
  }
}
