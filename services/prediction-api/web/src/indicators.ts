// Chosen indicators, each in a pane of its own under the chart, as of each close.

import type { PriceChart } from "./chart.ts";
import { byId, make } from "./elements.ts";
import { ask } from "./key.ts";
import type { Market } from "./market.ts";
import { keepInUrl, parameters } from "./url.ts";
import type { IndicatorsAt, Page } from "./wire.ts";

const MOST = 3; // panes
const MOST_CLOSES = 5_000; // of an answer
const AGAIN_MS = 10_000; // where there is nothing to choose from yet

export class Indicators {
  private readonly offered = byId<HTMLSelectElement>("indicator");
  private chosen: string[];
  private market: Market | null = null;
  private drawn = ""; // of which market and indicators all is drawn
  private drawnUntilMs = 0;
  private candlesBefore = 0;
  private offeredOf = "";
  private offeredAt = Number.NEGATIVE_INFINITY;
  private isAsking = false;

  constructor(private readonly chart: PriceChart) {
    const asked = parameters().get("indicators")?.split(",").filter(Boolean) ?? [];
    this.chosen = [...new Set(asked)].slice(0, MOST);
    this.offered.addEventListener("change", () => {
      if (this.offered.value) this.choose([...this.chosen, this.offered.value]);
    });
    this.offer([]);
  }

  /** Ask for what has closed since the last time, of whatever is chosen. */
  look(market: Market): void {
    const isAnew = market !== this.market; // another one, or the same after a reconnection
    this.market = market;
    const isShorter = market.candles.length < this.candlesBefore; // the chart forgot the oldest
    this.candlesBefore = market.candles.length;
    if (isAnew || isShorter) this.drawn = "";
    if (document.hidden || this.isAsking || market.closedUntilMs === 0) return;
    this.isAsking = true;
    void this.ask(market).finally(() => {
      this.isAsking = false;
    });
  }

  private async ask(market: Market): Promise<void> {
    const path = `/indicators/${[market.venue, market.symbol].map(encodeURIComponent).join("/")}`;
    try {
      const isDue = performance.now() - this.offeredAt > AGAIN_MS;
      if (this.offeredOf !== market.name && isDue) await this.askNames(market, path);
      await this.askValues(market, path);
    } catch {
      // the stream says that the server is gone, and it is asked again
    }
  }

  private async askNames(market: Market, path: string): Promise<void> {
    this.offeredAt = performance.now();
    const answer = await ask(`${path}?limit=60&to=${market.closedUntilMs + 1}`);
    if (!answer.ok || market !== this.market) return;
    const { rows } = (await answer.json()) as Page<IndicatorsAt>;
    const names = Object.keys(rows.at(-1)?.values ?? {});
    if (names.length === 0) return;
    this.offeredOf = market.name;
    this.offer(names);
    const known = this.chosen.filter((name) => names.includes(name));
    if (known.length < this.chosen.length) this.choose(known);
  }

  private async askValues(market: Market, path: string): Promise<void> {
    const { chosen } = this;
    const untilMs = market.closedUntilMs;
    const wanted = `${market.name} ${chosen}`;
    const isNew = wanted !== this.drawn;
    if (chosen.length === 0 || (!isNew && untilMs <= this.drawnUntilMs)) return;
    const query = new URLSearchParams({ to: `${untilMs + 1}` });
    for (const name of chosen) query.append("name", name);
    if (isNew) query.set("limit", `${Math.min(MOST_CLOSES, market.candles.length)}`);
    else query.set("from", `${this.drawnUntilMs + 1}`);
    const answer = await ask(`${path}?${query}`);
    if (!answer.ok || market !== this.market || chosen !== this.chosen) return;
    const { rows } = (await answer.json()) as Page<IndicatorsAt>;
    const known = rows.filter(({ close_time_ms: closeMs }) => market.candleAt(closeMs - market.timeframeMs));
    this.chart.drawIndicators(chosen, known, isNew);
    const newest = known.at(-1);
    if (newest) this.drawnUntilMs = newest.close_time_ms;
    if (newest || !isNew) this.drawn = wanted;
  }

  private choose(names: string[]): void {
    this.chosen = names.slice(0, MOST);
    this.drawn = "";
    this.chart.drawIndicators(this.chosen, [], true);
    keepInUrl({ indicators: this.chosen.join(",") || null });
    this.offer([...this.offered.options].map(({ value }) => value).filter(Boolean));
    if (this.market) this.look(this.market);
  }

  private offer(names: string[]): void {
    const options = names.map((name) => {
      const option = new Option(name);
      option.disabled = this.chosen.includes(name);
      return option;
    });
    const first = new Option(this.chosen.length < MOST ? "Add an indicator" : "No more panes", "");
    this.offered.replaceChildren(first, ...options);
    this.offered.disabled = this.chosen.length >= MOST;
    byId("indicators").hidden = names.length === 0;
    const buttons = this.chosen.map((name) => {
      const button = make("button", "", `${name} ×`);
      button.ariaLabel = `Remove ${name}`;
      button.addEventListener("click", () => {
        this.choose(this.chosen.filter((other) => other !== name));
        this.offered.focus();
      });
      return button;
    });
    byId("indicators-chosen").replaceChildren(...buttons);
  }
}
