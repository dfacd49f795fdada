// All markets at a glance: what is predicted of each, to search and to choose from.

import { byId, make } from "./elements.ts";
import { decimalsOf, duration, price } from "./format.ts";
import { headline, headlineOf } from "./headline.ts";
import { ask } from "./key.ts";
import type { FollowedMarket, MarketPredictions } from "./wire.ts";

const EVERY_MS = 2_000;
const WORTH_SEARCHING = 7;

export class Overview {
  private readonly rows = new Map<string, HTMLTableRowElement>();
  private readonly search = byId<HTMLInputElement>("search");

  constructor(
    private readonly markets: FollowedMarket[],
    choose: (market: FollowedMarket) => void,
  ) {
    byId("overview").hidden = markets.length < 2;
    this.search.hidden = markets.length < WORTH_SEARCHING;
    for (const market of markets) {
      const button = make("button", "", `${market.symbol} on ${market.venue}`);
      button.addEventListener("click", () => choose(market));
      const row = make("tr", "", make("td", "", button)) as HTMLTableRowElement;
      this.rows.set(market.market, row);
    }
    byId("all-markets").replaceChildren(...this.rows.values());
    this.search.addEventListener("input", () => this.filter());
    if (markets.length < 2) return;
    void this.look();
    window.setInterval(() => void this.look(), EVERY_MS);
  }

  private filter(): void {
    const wanted = this.search.value.trim().toLowerCase();
    for (const { market } of this.markets) {
      const row = this.rows.get(market);
      if (row) row.hidden = !market.toLowerCase().includes(wanted);
    }
    const found = [...this.rows.values()].some((row) => !row.hidden);
    byId("none-found").hidden = found;
  }

  private async look(): Promise<void> {
    if (document.hidden) return;
    let said: Record<string, MarketPredictions>;
    try {
      const answer = await ask("/predictions");
      said = answer.ok ? await answer.json() : {};
    } catch {
      return; // the stream says that the server is gone
    }
    for (const [market, row] of this.rows) show(row, said[market]);
  }
}

function show(row: HTMLTableRowElement, told: MarketPredictions | undefined): void {
  const [name] = row.cells;
  if (!name) return;
  row.classList.toggle("quiet", !told || told.stale || told.stalled);
  const cells = told
    ? told.predictions.map((made) =>
        make("td", "", `${duration(made.horizon_ms)} `, headline(headlineOf(made))),
      )
    : [make("td", "quiet", "no prediction yet")];
  const newest = told?.predictions[0];
  const state = !told ? "" : told.stalled ? "stalled" : told.stale ? "stale" : "live";
  const mid = newest ? shownMid(newest.mid) : "–";
  row.replaceChildren(name, make("td", "", state), make("td", "number", mid), ...cells);
}

/** Write a mid without the noise of binary fractions. */
function shownMid(value: number): string {
  return price(value, decimalsOf(Number(value.toPrecision(12))));
}
