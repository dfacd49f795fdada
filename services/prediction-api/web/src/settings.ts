// The settings: colours, what is shown at first, alerts, and the key.

import { alertsState } from "./alerts.ts";
import { RANGES } from "./chart.ts";
import { byId, make } from "./elements.ts";
import { duration } from "./format.ts";
import { CONFIDENT, OCCASIONS, prefer, preferences, THEMES } from "./preferences.ts";
import { inUrl } from "./url.ts";
import type { FollowedMarket, View } from "./wire.ts";

const NONE = ""; // of a choice: whatever comes first

export class SettingsPage {
  private readonly dialog = byId<HTMLDialogElement>("settings");
  private readonly market = byId<HTMLSelectElement>("prefer-market");
  private readonly horizon = byId<HTMLSelectElement>("prefer-horizon");
  private readonly candles = byId<HTMLSelectElement>("prefer-candles");
  private readonly confident = byId<HTMLInputElement>("prefer-confident");

  constructor(private readonly themed: () => void) {
    byId("open-settings").addEventListener("click", () => this.open());
    byId("close-settings").addEventListener("click", () => this.dialog.close());
    this.market.addEventListener("change", () => prefer({ market: this.market.value || null }));
    this.horizon.addEventListener("change", () => prefer({ horizon: this.horizon.value || null }));
    this.candles.addEventListener("change", () => {
      prefer({ candles: Number(this.candles.value) || null });
    });
    this.confident.addEventListener("change", () => this.setConfident());
    for (const radio of this.inputs("theme")) {
      radio.addEventListener("change", () => {
        const theme = THEMES.find((each) => each === radio.value);
        if (theme) prefer({ theme });
        this.themed();
      });
    }
    for (const box of this.inputs("alert")) {
      box.addEventListener("change", () => void this.setAlerts(box));
    }
    offer(this.market, "the first", []);
    offer(this.horizon, "the shortest", []);
    offer(this.candles, "as much as fits", []);
  }

  /** Offer the markets that there are. */
  offerMarkets(markets: FollowedMarket[]): void {
    offer(
      this.market,
      "the first",
      markets.map(({ market, symbol, venue }) => [market, `${symbol} on ${venue}`]),
    );
  }

  /** Offer the horizons and times of a market that is shown. */
  offerTimes(view: View): void {
    const horizons = view.horizons_ms.map((ms): Option => [inUrl(ms), duration(ms)]);
    offer(this.horizon, "the shortest", horizons);
    const times = RANGES.map((count): Option => {
      return [String(count), `the last ${duration(count * view.timeframe_ms)}`];
    });
    offer(this.candles, "as much as fits", times);
  }

  private open(): void {
    const { theme, market, horizon, candles, alerts, confidentFrom } = preferences();
    this.market.value = market ?? NONE;
    this.horizon.value = horizon ?? NONE;
    this.candles.value = candles === null ? NONE : String(candles);
    this.confident.value = String(Math.round(100 * confidentFrom));
    for (const radio of this.inputs("theme")) radio.checked = radio.value === theme;
    for (const box of this.inputs("alert")) {
      const occasion = OCCASIONS.find((each) => each === box.value);
      box.checked = occasion !== undefined && alerts[occasion] && alertsState().can;
    }
    this.showAlertsState();
    this.dialog.showModal();
  }

  private inputs(name: string): NodeListOf<HTMLInputElement> {
    return this.dialog.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`);
  }

  private setConfident(): void {
    const { least, most } = CONFIDENT;
    const given = Number(this.confident.value) / 100;
    const confidentFrom = Math.min(most, Math.max(least, given || least));
    this.confident.value = String(Math.round(100 * confidentFrom));
    prefer({ confidentFrom });
  }

  /** Take a box that was ticked or cleared; the browser is asked by a click alone. */
  private async setAlerts(box: HTMLInputElement): Promise<void> {
    if (box.checked && alertsState().mayAsk) await Notification.requestPermission();
    if (!alertsState().can) box.checked = false;
    const occasion = OCCASIONS.find((each) => each === box.value);
    if (occasion) prefer({ alerts: { ...preferences().alerts, [occasion]: box.checked } });
    this.showAlertsState();
  }

  private showAlertsState(): void {
    const { can, mayAsk, text } = alertsState();
    byId("alerts-state").textContent = text;
    for (const box of this.inputs("alert")) box.disabled = !can && !mayAsk;
  }
}

type Option = [value: string, label: string];

/** Fill a choice; what was chosen stays, where there still is such. */
function offer(select: HTMLSelectElement, first: string, options: Option[]): void {
  const chosen = select.value;
  const made = [[NONE, first] as Option, ...options].map(([value, label]) => {
    const option = make("option", "", label) as HTMLOptionElement;
    option.value = value;
    return option;
  });
  select.replaceChildren(...made);
  select.value = options.some(([value]) => value === chosen) ? chosen : NONE;
}
