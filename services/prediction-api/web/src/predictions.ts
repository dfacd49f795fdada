// The panel with the newest prediction of each horizon.

import { byId, make } from "./elements.ts";
import { basisPoints, duration, percent, price, priceDecimals } from "./format.ts";
import { headline, headlineOf } from "./headline.ts";
import type { Market } from "./market.ts";
import type { Prediction } from "./wire.ts";

const SPOKEN_EVERY_MS = 15_000;

const previewed = new WeakSet<Market>();

export function showPredictions(market: Market, into: HTMLElement): void {
  const decimals = priceDecimals(market.candles).precision;
  if (market.previews.size > 0) previewed.add(market);
  const arePreviewed = previewed.has(market); // between two of them the page keeps their place
  const cards = market.horizonsMs.map((horizonMs) => {
    const newest = market.newest.get(horizonMs);
    const card = make("article", "prediction");
    card.setAttribute("aria-label", `In ${duration(horizonMs)}`);
    card.append(
      ...(newest
        ? contents(newest, market.previews.get(horizonMs), arePreviewed, decimals)
        : [make("b", "", duration(horizonMs)), make("p", "quiet", "waits for its first model")]),
    );
    return card;
  });
  into.replaceChildren(...cards);
}

function contents(
  made: Prediction,
  preview: Prediction | undefined,
  arePreviewed: boolean,
  decimals: number,
): Node[] {
  const { p_up: up, p_flat: flat, p_down: down } = made;
  const said = headlineOf(made);
  const head = make(
    "p",
    "head",
    make("b", "", duration(made.horizon_ms)),
    headline(said),
    make("span", "price", price(made.predicted_price, decimals)),
    make("span", "quiet", basisPoints(made.expected_return)),
  );
  const shares = make("div", "shares", share("up", up), share("flat", flat), share("down", down));
  shares.setAttribute("aria-hidden", "true"); // the labels below say the same
  const labels = make(
    "p",
    "labels",
    make("span", "", `▲ ${percent(up, 0)}`),
    make("span", "", `no move ${percent(flat, 0)}`),
    make("span", "", `▼ ${percent(down, 0)}`),
  );
  const interval = `${percent(made.level, 0)} within ${price(made.low, decimals)} – ${price(made.high, decimals)}`;
  const lines = [head, shares, labels, make("p", "quiet", interval)];
  lines.push(make("p", "quiet lean", said.lean));
  if (made.reason) lines.push(make("p", "quiet", made.reason));
  if (preview || arePreviewed) {
    const forming = preview
      ? `${headlineOf(preview).text} ${price(preview.predicted_price, decimals)}`
      : "not yet";
    lines.push(make("p", "quiet", `forming candle: ${forming}`));
  }
  return lines;
}

function share(className: string, value: number): HTMLElement {
  const part = make("i", className);
  part.style.flex = `${value} 0 0`;
  return part;
}

/** Tells screen readers of a new direction, not more often than one can listen to. */
export class Speaker {
  private last = "";
  private spokenAt = Number.NEGATIVE_INFINITY;

  say(made: Prediction | undefined): void {
    if (!made) return;
    const text = `In ${duration(made.horizon_ms)}: ${headlineOf(made).text.slice(2)}`;
    const now = performance.now();
    if (text === this.last || now - this.spokenAt < SPOKEN_EVERY_MS) return;
    this.last = text;
    this.spokenAt = now;
    byId("spoken").textContent = text;
  }
}
