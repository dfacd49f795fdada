// What was predicted and what came of it, prediction by prediction, to filter and to keep.

import { byId, make } from "./elements.ts";
import { basisPoints, duration, percent, price, priceDecimals, second } from "./format.ts";
import { headline, headlineOf } from "./headline.ts";
import { ask } from "./key.ts";
import type { Market } from "./market.ts";
import { Why } from "./why.ts";
import type { Judged, Page } from "./wire.ts";

const CLOSES = 240; // looked through for what is wanted
const ROWS = 12;
const AGAIN_MS = 10_000;
const DAY_MS = 86_400_000;
const CAME: Record<string, string> = {
  right: "right",
  wrong: "wrong",
  flat: "did not move",
  abstained: "abstained",
};

export class Ledger {
  private readonly why = new Why();
  private readonly wanted = byId<HTMLSelectElement>("ledger-verdict");
  private market: Market | null = null;
  private horizonMs = 0;
  private shown = "";
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor() {
    this.wanted.addEventListener("change", () => this.again());
    byId("ledger-download").addEventListener("click", () => void this.download());
  }

  /** Ask anew where something else is to be shown, or it is time to. */
  look(market: Market, horizonMs: number): void {
    this.market = market;
    this.horizonMs = horizonMs;
    const wanted = `${market.name} ${horizonMs} ${this.wanted.value}`;
    const isDue = performance.now() - this.askedAt > AGAIN_MS;
    const isUsed = byId("ledger-rows").contains(document.activeElement); // a row may not slip away
    if (document.hidden || market.closedUntilMs === 0) return;
    if (wanted === this.shown && (!isDue || isUsed)) return;
    this.shown = wanted;
    this.askedAt = performance.now();
    void this.ask(market, horizonMs, wanted);
  }

  private again(): void {
    if (this.market) this.look(this.market, this.horizonMs);
  }

  private async ask(market: Market, horizonMs: number, wanted: string): Promise<void> {
    try {
      const answer = await ask(`${pathOf(market)}/history?${queryOf(market, horizonMs, CLOSES)}`);
      if (wanted !== this.shown || !answer.ok) return;
      const { rows } = (await answer.json()) as Page<Judged>;
      this.show(market, horizonMs, rows);
    } catch {
      // the stream says that the server is gone, and it is asked again
    }
  }

  private show(market: Market, horizonMs: number, rows: Judged[]): void {
    const { value } = this.wanted;
    const found = rows.filter(({ verdict }) => value === "" || verdict === value);
    const newest = found.slice(-ROWS).reverse();
    byId("ledger-title").textContent = `Ledger, ${duration(horizonMs)} ahead`;
    byId("ledger-rows").replaceChildren(...newest.map((row) => this.row(market, row)));
    byId("ledger-none").hidden = newest.length > 0;
  }

  private row(market: Market, made: Judged): HTMLElement {
    const time = make("th", "", second(made.close_time_ms));
    time.setAttribute("scope", "row");
    const came = made.verdict === null ? "not known yet" : (CAME[made.verdict] ?? made.verdict);
    const moved = made.realised_return === null ? "" : basisPoints(made.realised_return);
    const decimals = priceDecimals(market.candles).precision;
    const why = make("button", "", "Why?");
    why.ariaLabel = `Why, at ${second(made.close_time_ms)}?`;
    why.addEventListener("click", () => void this.why.show(pathOf(market), made, decimals));
    return make(
      "tr",
      "",
      time,
      make("td", "", headline(headlineOf(made))),
      make("td", "number", percent(Math.max(made.p_up, made.p_flat, made.p_down), 0)),
      make("td", "number", price(made.predicted_price, decimals)),
      make("td", "number", moved),
      make("td", `came ${made.verdict ?? ""}`, came),
      make("td", "", why),
    );
  }

  /** Have the browser keep the last day as a file; a link could not send the key of this tab. */
  private async download(): Promise<void> {
    const { market } = this;
    if (!market) return;
    const state = byId("ledger-state");
    state.textContent = "is being read…";
    const lines: string[] = [];
    const query = queryOf(market, this.horizonMs, 5_000);
    query.set("from", `${Math.max(0, market.closedUntilMs - DAY_MS)}`);
    query.set("format", "csv");
    let path: string | null = `${pathOf(market)}/history?${query}`;
    try {
      while (path) {
        const answer: Response = await ask(path);
        if (!answer.ok) throw new Error(`${answer.status}`);
        const [head, ...rest] = (await answer.text()).trimEnd().split("\n");
        if (lines.length === 0 && head) lines.push(head);
        lines.push(...rest);
        path = nextOf(answer);
      }
    } catch {
      state.textContent = "The server did not answer: try again.";
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `${market.venue}-${market.symbol.replaceAll("/", "-")}-${this.horizonMs}ms.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
    state.textContent = `${Math.max(0, lines.length - 1)} predictions`;
  }
}

function pathOf({ venue, symbol }: Market): string {
  return `/predictions/${[venue, symbol].map(encodeURIComponent).join("/")}`;
}

/** Ask up to the market's newest close: its time may be another than the server's, as in a replay. */
function queryOf(market: Market, horizonMs: number, closes: number): URLSearchParams {
  const to = `${market.closedUntilMs + 1}`;
  return new URLSearchParams({ horizon: `${horizonMs}ms`, limit: `${closes}`, to });
}

/** The page after this one, as its Link says; null after the last. */
function nextOf(answer: Response): string | null {
  const next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
  if (!next) return null;
  const { pathname, search } = new URL(next, location.href);
  return pathname + search;
}
