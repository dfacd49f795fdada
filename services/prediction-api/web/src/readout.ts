// The line over the chart: the candle that is pointed at, or the newest, and what was said at it.

import { make } from "./elements.ts";
import { duration, price, priceDecimals } from "./format.ts";
import type { Market } from "./market.ts";
import type { Verdict } from "./wire.ts";

const CAME: Record<Verdict, string> = {
  right: "right",
  wrong: "wrong",
  flat: "did not move",
  abstained: "not judged",
};

/** Show a candle with its volume and the prediction made at its close. */
export function showReadout(
  market: Market,
  horizonMs: number,
  openMs: number | null,
  line: HTMLElement,
): void {
  const row = openMs === null ? market.candles.at(-1) : market.candleAt(openMs);
  if (!row) {
    line.replaceChildren();
    return;
  }
  const decimals = priceDecimals(market.candles).precision;
  const [time, open, high, low, close, , volume] = row;
  const parts: [string, string][] = [
    ["", new Date(time).toISOString().slice(11, market.timeframeMs < 1_000 ? 23 : 19)],
    ["open", price(open, decimals)],
    ["high", price(high, decimals)],
    ["low", price(low, decimals)],
    ["close", price(close, decimals)],
    ["volume", volume.toPrecision(4)],
  ];
  const point = market.points.get(horizonMs)?.get(time + market.timeframeMs);
  const came = point?.verdict ? CAME[point.verdict] : "not known yet";
  const judged: [string, string][] = [
    [`in ${duration(horizonMs)}, said`, !point || point.direction === "abstain" ? "nothing" : point.direction],
  ];
  if (point) judged.push(["outcome", came]);
  // Two groups, each on lines of its own, so that the chart below never moves.
  line.replaceChildren(make("span", "", ...spans(parts)), make("span", "", ...spans(judged)));
}

function spans(parts: [string, string][]): HTMLElement[] {
  return parts.map(([name, value]) =>
    make("span", "", ...(name ? [make("b", "", name)] : []), value),
  );
}
