// Alerts of the browser, where somebody has asked for them: what happened while nobody looked.

import { duration, percent, price, priceDecimals } from "./format.ts";
import { headlineOf } from "./headline.ts";
import type { Market } from "./market.ts";
import { preferences } from "./preferences.ts";
import type { Feed, Prediction, Status } from "./wire.ts";

const CONFIDENT_AGAIN_MS = 60_000; // in the same direction; predictions come each second

/**
 * Tells of what changes, never of how it was when the page was opened.
 *
 * A newer alert of the same thing takes the place of the older one.
 */
export class Alerts {
  private readonly saidAtMs = new Map<string, number>();
  private readonly missing = new Map<string, number>();
  private stalled: string[] | null = null;

  /** Hear a prediction of the market and the horizon that are shown. */
  predicted(market: Market, made: Prediction): void {
    const { alerts, confidentFrom } = preferences();
    if (!alerts.confident) return;
    const { kind, text } = headlineOf(made);
    const share = Math.max(made.p_up, made.p_down) / (made.p_up + made.p_down);
    if ((kind !== "up" && kind !== "down") || share < confidentFrom) return;
    const about = `${market.name} ${made.horizon_ms}`;
    const before = this.saidAtMs.get(`${about} ${kind}`) ?? Number.NEGATIVE_INFINITY;
    const now = performance.now();
    if (now - before < CONFIDENT_AGAIN_MS) return;
    this.saidAtMs.set(`${about} ${kind}`, now);
    const decimals = priceDecimals(market.candles).precision;
    const where = `${price(made.predicted_price, decimals)} in ${duration(made.horizon_ms)}`;
    tell(`${market.symbol} ${text}`, `${where}, ${percent(share, 0)} of moves`, about);
  }

  /** Hear which of all markets stand still. */
  heard({ stalled }: Status): void {
    const { alerts } = preferences();
    const before = this.stalled;
    this.stalled = stalled;
    if (alerts.stall && before) {
      for (const name of stalled) {
        if (!before.includes(name)) tell(`${name} stalls`, "It is silent for too long.", name);
      }
      for (const name of before) {
        if (!stalled.includes(name)) tell(`${name} goes on`, "It is heard of again.", name);
      }
    }
  }

  /** Hear how the feed of a market that is shown is. */
  heardOf(market: Market, feed: Feed): void {
    const missing = feed.missing_trades;
    if (missing === null) return;
    const more = missing - (this.missing.get(market.name) ?? missing);
    this.missing.set(market.name, missing);
    if (!preferences().alerts.gap || more <= 0) return;
    const trades = more === 1 ? "1 trade is" : `${more} trades are`;
    tell(`${market.name} has a gap`, `${trades} missing; they are asked for.`, `${market.name} gap`);
  }
}

/** Say whether there can be alerts, and if not, why. */
export function alertsState(): { can: boolean; mayAsk: boolean; text: string } {
  if (!("Notification" in window)) {
    return { can: false, mayAsk: false, text: "This browser has no alerts for pages." };
  }
  if (Notification.permission === "granted") {
    return { can: true, mayAsk: true, text: "They come as long as this page is open." };
  }
  if (!window.isSecureContext) {
    const text = "Browsers show none of a page that does not come by HTTPS or from this machine.";
    return { can: false, mayAsk: false, text };
  }
  if (Notification.permission === "denied") {
    const text = "The browser forbids this page alerts: its settings of this site can allow them.";
    return { can: false, mayAsk: false, text };
  }
  return { can: false, mayAsk: true, text: "The browser asks first whether this page may." };
}

function tell(title: string, body: string, tag: string): void {
  if (!alertsState().can) return;
  try {
    const shown = new Notification(title, { body, tag, icon: "/static/icon.svg" });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
  } catch {
    // browsers of phones show alerts of installed pages only
  }
}
