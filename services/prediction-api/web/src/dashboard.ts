// The page: which market and horizon are shown, and what is drawn when news come.

import { showAccuracy } from "./accuracy.ts";
import { Alerts } from "./alerts.ts";
import { PriceChart } from "./chart.ts";
import { byId, choice, make } from "./elements.ts";
import { duration } from "./format.ts";
import { askWithKey, listenForKey } from "./key.ts";
import { drawLegend } from "./marks.ts";
import { Market } from "./market.ts";
import { OverTime } from "./over_time.ts";
import { Overview } from "./overview.ts";
import { palette } from "./palette.ts";
import { preferences } from "./preferences.ts";
import { showPredictions, Speaker } from "./predictions.ts";
import { showReadout } from "./readout.ts";
import { SettingsPage } from "./settings.ts";
import { follow, type Listener } from "./stream.ts";
import { Strip } from "./strip.ts";
import { showFeed, showModels, showStalled, showState, showWarmingUp } from "./system.ts";
import { applyTheme, onSystemTheme } from "./theme.ts";
import { inUrl, keepInUrl, parameters } from "./url.ts";
import { showWeights } from "./weights.ts";
import type { FollowedMarket, News, Status, View } from "./wire.ts";

const QUIET_MS = 4_000; // a status comes each second
const MOST_BUTTONS = 8; // more markets than these are chosen below

class Dashboard implements Listener {
  private readonly chart = new PriceChart(byId("chart"));
  private readonly strip = new Strip(this.chart.axis);
  private readonly speaker = new Speaker();
  private readonly overTime = new OverTime();
  private readonly alerts = new Alerts();
  private market: Market | null = null;
  private horizonMs = 0;
  private drawing = 0;
  private drawnStatus: Status | null = null;
  private heardAt = performance.now();
  private pointedMs: number | null = null;

  constructor(private readonly settings: SettingsPage) {
    this.chart.onPoint((openMs) => {
      this.pointedMs = openMs;
      if (this.market) showReadout(this.market, this.horizonMs, openMs);
    });
    byId("full-screen").addEventListener("click", () => void toggleFullScreen());
  }

  viewed(view: View): void {
    const market = new Market(view);
    const isAnother = this.market?.name !== market.name;
    if (this.market && !isAnother) market.status = this.market.status;
    this.market = market;
    if (!view.horizons_ms.includes(this.horizonMs)) {
      const wanted = parameters().get("horizon") ?? preferences().horizon;
      const asked = view.horizons_ms.find((value) => inUrl(value) === wanted);
      this.horizonMs = asked ?? view.horizons_ms[0] ?? 0;
    }
    const horizons = view.horizons_ms.map((value) => ({ label: duration(value), value }));
    choice(byId("horizons"), horizons, this.horizonMs, (chosen) => this.choose(chosen));
    const candles = `candles of ${duration(view.timeframe_ms)}`;
    byId("chart-title").textContent = `${view.symbol} on ${view.venue}, ${candles}`;
    document.title = `${view.symbol} live predictions`;
    this.chart.show(market, this.horizonMs);
    this.strip.show(market);
    this.showRanges();
    const shown = preferences().candles;
    if (isAnother && shown !== null) this.chart.showRange(shown * view.timeframe_ms);
    this.settings.offerTimes(view);
    this.heard();
  }

  news<Name extends keyof News>(name: Name, news: News[Name]): void {
    const { market, chart } = this;
    if (!market) return;
    const told = { [name]: news } as Partial<News>;
    if (told.candle && market.addCandle(told.candle)) chart.add(told.candle);
    if (told.forming && told.forming[0] >= market.closedUntilMs) {
      market.forming = told.forming;
      chart.add(told.forming);
    }
    if (told.prediction) {
      market.addPrediction(told.prediction);
      const { prediction } = told.prediction;
      if (prediction.horizon_ms === this.horizonMs) this.alerts.predicted(market, prediction);
    }
    if (told.preview) market.previews.set(told.preview.horizon_ms, told.preview);
    if (told.outcome) market.addOutcome(told.outcome);
    if (told.status) {
      market.status = told.status;
      this.alerts.heard(market, told.status);
    }
    this.heard();
  }

  lost(): void {
    this.notice("The connection to the server is lost; trying again. What is shown is old.");
    showState("reconnecting to the server", false, true);
    askWithKey("/routes").catch(() => {}); // it may be the key that was revoked; else it is tried again
  }

  /** Say so where nothing has come for too long, though the connection seems to stand. */
  checkQuiet(): void {
    const quietMs = performance.now() - this.heardAt;
    if (quietMs > QUIET_MS) {
      this.notice(`No news from the server for ${duration(quietMs)}. What is shown is old.`);
    }
  }

  paint(): void {
    this.chart.paint();
    drawLegend(document, palette());
  }

  toNewest(): void {
    this.chart.toNewest();
  }

  private choose(horizonMs: number): void {
    this.horizonMs = horizonMs;
    this.chart.choose(horizonMs);
    keepInUrl({ horizon: inUrl(horizonMs) });
  }

  private showRanges(): void {
    const buttons = this.chart.rangesMs.map((ms) => {
      const button = make("button", "", duration(ms));
      button.ariaLabel = `Show ${duration(ms)}`;
      button.addEventListener("click", () => this.chart.showRange(ms));
      return button;
    });
    byId("ranges").replaceChildren(...buttons);
  }

  private heard(): void {
    this.heardAt = performance.now();
    byId("notice").hidden = true;
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.draw();
    });
  }

  private draw(): void {
    const { market } = this;
    if (!market) return;
    this.chart.drawPredictions();
    this.strip.moved();
    showPredictions(market);
    showReadout(market, this.horizonMs, this.pointedMs);
    this.speaker.say(market.newest.get(this.horizonMs));
    if (market.status && market.status !== this.drawnStatus) this.drawStatus(market.status);
  }

  private drawStatus(status: Status): void {
    this.drawnStatus = status;
    showAccuracy(status.horizons);
    showFeed(status);
    showModels(status);
    if (this.market) {
      showWeights(this.market);
      this.overTime.look(this.market, this.horizonMs);
    }
    showWarmingUp(status);
    showStalled(status);
    const now = status.as_of_ms === null ? "" : new Date(status.as_of_ms).toISOString();
    byId("clock").textContent = now && `market time ${now.slice(0, 19).replace("T", " ")} UTC`;
  }

  private notice(text: string): void {
    const notice = byId("notice");
    notice.hidden = false;
    if (notice.textContent !== text) notice.textContent = text;
  }
}

async function toggleFullScreen(): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await byId("chart-card").requestFullscreen();
}

/** Name a market by its symbol, and by its venue where several have that symbol. */
function labelOf({ symbol, venue }: FollowedMarket, markets: FollowedMarket[]): string {
  const several = markets.filter((other) => other.symbol === symbol).length > 1;
  return several ? `${symbol} ${venue}` : symbol;
}

async function start(): Promise<void> {
  listenForKey();
  let painted = (): void => {};
  const themed = (): void => {
    applyTheme();
    painted();
  };
  const settings = new SettingsPage(themed);
  onSystemTheme(themed);
  const answer = await askWithKey("/routes");
  if (!answer) return showState("a key is needed", false, false);
  const { markets } = (await answer.json()) as { markets: FollowedMarket[] };
  const asked = parameters().get("market") ?? preferences().market;
  const first = markets.find(({ market }) => market === asked) ?? markets[0];
  if (!first) throw new Error("no market is followed");
  const dashboard = new Dashboard(settings);
  settings.offerMarkets(markets);
  painted = () => dashboard.paint();
  let stop = follow(first.path, dashboard);
  const options = markets.map((value) => ({ label: labelOf(value, markets), value }));
  const show = (chosen: FollowedMarket): void => {
    stop();
    keepInUrl({ market: chosen.market });
    stop = follow(chosen.path, dashboard);
  };
  choice(byId("markets"), options, first, show);
  const buttons = [...byId("markets").children] as HTMLElement[];
  new Overview(markets, (chosen) => {
    buttons[markets.indexOf(chosen)]?.click();
    byId("chart-card").scrollIntoView();
  });
  for (const [index, { market }] of markets.entries()) {
    buttons[index]?.setAttribute("data-market", market);
  }
  byId("markets").hidden = markets.length < 2 || markets.length > MOST_BUTTONS;
  byId("now").addEventListener("click", () => dashboard.toNewest());
  dashboard.paint();
  window.setInterval(() => dashboard.checkQuiet(), 1_000);
}

start().catch(() => showState("the server does not answer: load the page again", false, true));
