// Numbers and times as people read them.

import type { CandleRow } from "./wire.ts";

const LEAST_DECIMALS = 2;
const MOST_DECIMALS = 8;

/** How many decimals a price is shown with. */
export function decimalsOf(value: number): number {
  const decimals = String(value).split(".")[1]?.length ?? 0;
  return Math.min(MOST_DECIMALS, Math.max(LEAST_DECIMALS, decimals));
}

/** How many decimals the newest prices have, for the chart's axis. */
export function priceDecimals(candles: CandleRow[]): { precision: number; minMove: number } {
  let precision = LEAST_DECIMALS;
  for (const row of candles.slice(-50)) {
    precision = Math.max(precision, decimalsOf(row[4]));
  }
  return { precision, minMove: 10 ** -precision };
}

export function price(value: number, decimals: number): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

export function percent(share: number, decimals = 1): string {
  return `${(100 * share).toFixed(decimals)}\u00a0%`;
}

/** A move in basis points, which is what such horizons are counted in. */
export function basisPoints(share: number): string {
  return bps(10_000 * share);
}

/** A number of basis points with its sign. */
export function bps(value: number): string {
  return `${value > 0 ? "+" : ""}${value.toFixed(2).replace("-", "\u2212")}\u00a0bp`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** 400 µs, 1.25 ms, 3.1 s. */
export function microseconds(value: number): string {
  if (value < 0) return `\u2212${microseconds(-value)}`;
  if (value < 1_000) return `${Math.round(value)}\u00a0\u00b5s`;
  if (value < 1_000_000) return `${(value / 1_000).toPrecision(3)}\u00a0ms`;
  return `${(value / 1_000_000).toPrecision(2)}\u00a0s`;
}

/** A length of time in its largest whole unit: 250 ms, 10 s, 3 min, 2 h, 5 d. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}\u00a0ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds}\u00a0s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}\u00a0min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}\u00a0h`;
  return `${Math.floor(seconds / 86_400)}\u00a0d`;
}

/** A second in UTC: 11-27 15:04:09. */
export function second(ms: number): string {
  return new Date(ms).toISOString().slice(5, 19).replace("T", "\u00a0");
}

/** A minute in UTC: 2026-11-27 15:04. */
export function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", "\u00a0");
}
