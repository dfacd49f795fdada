// The page: which market and horizon are shown, and what is drawn when news come.

import { Alerts } from "./alerts.ts";
import { Beside } from "./beside.ts";
import type { PriceChart } from "./chart.ts";
import { Compared } from "./compared.ts";
import { byId, choice, make } from "./elements.ts";
import { duration } from "./format.ts";
import { showHops } from "./hops.ts";
import { HowFar } from "./how_far.ts";
import { Indicators } from "./indicators.ts";
import { askWithKey, listenForKey, showAsking } from "./key.ts";
import { Ledger } from "./ledger.ts";
import { drawLegend } from "./marks.ts";
import type { Market } from "./market.ts";
import { OverTime } from "./over_time.ts";
import { Overview } from "./overview.ts";
import { palette } from "./palette.ts";
import { Panel } from "./panel.ts";
import { preferences } from "./preferences.ts";
import { Speaker } from "./predictions.ts";
import { SettingsPage } from "./settings.ts";
import { Following, type Listener } from "./stream.ts";
import { showFeed, showModels, showStalled, showState, showWarmingUp, stateOf } from "./system.ts";
import { applyTheme, onSystemTheme } from "./theme.ts";
import { Tour } from "./tour.ts";
import { inUrl, keepInUrl, parameters } from "./url.ts";
import { showWeights } from "./weights.ts";
import type { FollowedMarket, News, Status, View } from "./wire.ts";

const QUIET_MS = 4_000; // a status comes each second
const MOST_BUTTONS = 8; // more markets than these are chosen below

class Dashboard implements Listener {
  private readonly alerts = new Alerts();
  private readonly following = new Following();
  private readonly beside = new Beside(this.alerts, this.following); // copies what is still empty
  private readonly panel = new Panel();
  private readonly speaker = new Speaker();
  private readonly overTime = new OverTime();
  private readonly ledger = new Ledger();
  private readonly indicators = new Indicators(this.panel.chart);
  private readonly howFar = new HowFar();
  private readonly tour = new Tour();
  private horizonMs = 0;
  private drawing = 0;
  private heardAt = performance.now();

  constructor(private readonly settings: SettingsPage) {
    byId("full-screen").addEventListener("click", () => void toggleFullScreen());
    byId("now").addEventListener("click", () => {
      for (const chart of this.charts) chart.toNewest();
    });
  }

  /** Show a market. */
  follow(market: FollowedMarket): void {
    this.following.follow(this, market);
  }

  asked(): void {
    this.heardAt = performance.now();
  }

  viewed(view: View): void {
    showAsking(false);
    if (!view.horizons_ms.includes(this.horizonMs)) {
      const wanted = parameters().get("horizon") ?? preferences().horizon;
      const asked = view.horizons_ms.find((value) => inUrl(value) === wanted);
      this.horizonMs = asked ?? view.horizons_ms[0] ?? 0;
      this.beside.choose(this.horizonMs);
    }
    const horizons = view.horizons_ms.map((value) => ({ label: duration(value), value }));
    choice(byId("horizons"), horizons, this.horizonMs, (chosen) => this.choose(chosen));
    document.title = `${view.symbol} live predictions`;
    this.panel.show(view, this.horizonMs);
    this.panel.name(this.beside.isShown);
    this.showRanges();
    this.settings.offerTimes(view);
    this.tour.offer();
    this.heard();
  }

  news<Name extends keyof News>(name: Name, news: News[Name]): void {
    this.panel.hear(name, news);
    const { market } = this.panel;
    if (!market) return;
    const { prediction, status } = { [name]: news } as Partial<News>;
    if (prediction?.prediction.horizon_ms === this.horizonMs) {
      this.alerts.predicted(market, prediction.prediction);
    }
    if (name === "moves") this.howFar.again(market);
    if (status) {
      this.alerts.heard(status);
      this.alerts.heardOf(market, status.feed);
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
    if (document.hidden) return;
    this.beside.checkQuiet();
    const quietMs = performance.now() - this.heardAt;
    if (quietMs > QUIET_MS) {
      this.notice(`No news from the server for ${duration(quietMs)}. What is shown is old.`);
    }
  }

  paint(): void {
    for (const chart of this.charts) chart.paint();
    drawLegend(document, palette());
  }

  /** Show another market beside, or with null none. */
  compare(market: FollowedMarket | null): void {
    this.beside.show(market);
    this.panel.name(market !== null);
    drawLegend(document, palette());
  }

  private get charts(): PriceChart[] {
    const { chart } = this.beside;
    return chart ? [this.panel.chart, chart] : [this.panel.chart];
  }

  private choose(horizonMs: number): void {
    this.horizonMs = horizonMs;
    this.panel.choose(horizonMs);
    this.beside.choose(horizonMs);
    keepInUrl({ horizon: inUrl(horizonMs) });
  }

  private showRanges(): void {
    const buttons = this.panel.chart.rangesMs.map((ms) => {
      const button = make("button", "", duration(ms));
      button.ariaLabel = `Show ${duration(ms)}`;
      button.addEventListener("click", () => {
        for (const chart of this.charts) chart.showRange(ms);
      });
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
    const { market } = this.panel;
    if (!market) return;
    const status = this.panel.draw();
    this.speaker.say(market.newest.get(this.horizonMs));
    if (status) this.drawStatus(status, market);
  }

  private drawStatus(status: Status, market: Market): void {
    const { text, isGood, isBad } = stateOf(status);
    showState(text, isGood, isBad);
    showFeed(status);
    showHops(status.latency);
    showModels(status);
    showWeights(market);
    this.overTime.look(market, this.horizonMs);
    this.ledger.look(market, this.horizonMs);
    this.indicators.look(market);
    this.howFar.look(market, status);
    showWarmingUp(status);
    showStalled(status);
    const now = status.as_of_ms === null ? "" : new Date(status.as_of_ms).toISOString();
    byId("clock").textContent = now && `Market time ${now.slice(0, 19).replace("T", " ")} UTC`;
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
  dashboard.follow(first);
  const options = markets.map((value) => ({ label: labelOf(value, markets), value }));
  const compared = new Compared(markets, first, (beside) => dashboard.compare(beside));
  const show = (chosen: FollowedMarket): void => {
    keepInUrl({ market: chosen.market });
    dashboard.follow(chosen);
    compared.with(chosen);
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
  dashboard.paint();
  window.setInterval(() => dashboard.checkQuiet(), 1_000);
}

start().catch(() => showState("the server does not answer: load the page again", false, true));
