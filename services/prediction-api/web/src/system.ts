// The panels about the feed, the latency and the models, and the bar while warming up.

import { byId, make } from "./elements.ts";
import { duration, percent, whole } from "./format.ts";
import type { Feed, Status } from "./wire.ts";

export function showFeed({ feed, data_age_ms: ageMs }: Status): void {
  const rows: [string, string][] = [
    ["Exchange", feed.exchange],
    ["Connection", feed.connected ? "connected" : "not connected"],
    ["Age of the data", ageMs === null ? "nothing received yet" : duration(ageMs)],
    ["Reconnections", count(feed.reconnects)],
    ["Trades missing", count(feed.missing_trades)],
    ["Candles like the exchange's", parity(feed)],
  ];
  byId("system").replaceChildren(
    ...rows.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]),
  );
}

/** Say in a few words how a market is. */
export function stateOf({ state, feed, data_age_ms: ageMs }: Status): {
  text: string;
  isGood: boolean;
  isBad: boolean;
} {
  const age = ageMs === null ? "" : ` for ${duration(ageMs)}`;
  const texts: Record<Status["state"], string> = {
    connecting: "waiting for the exchange",
    "warming up": "warming up",
    ok: feed.connected ? "live" : "reconnecting to the exchange",
    ended: "the recording has ended",
    stalled: "stalled: silent for longer than it ever is",
    stale: `stale: nothing received${age}`,
  };
  const isGood = state === "ok" && feed.connected;
  return { text: texts[state], isGood, isBad: state === "stalled" || state === "stale" };
}

function count(value: number | null): string {
  return value === null ? "–" : whole(value);
}

/** Give the share of compared candles that equal the exchange's own. */
function parity({ parity, compared }: Feed): string {
  return parity === null ? "–" : `${percent(parity, parity < 1 ? 2 : 0)} of ${whole(compared)}`;
}

/** Say how things are, in the header where no other place is named. */
export function showState(
  text: string,
  good: boolean,
  bad: boolean,
  pill: HTMLElement = byId("feed-state"),
): void {
  pill.className = `pill ${good ? "ok" : ""} ${bad ? "bad" : ""}`;
  if (pill.textContent !== text) pill.textContent = text;
}

/** Put a badge beside the markets that are stalled. */
export function showStalled({ stalled }: Status): void {
  for (const button of byId("markets").children) {
    button.classList.toggle("stalled", stalled.includes(button.getAttribute("data-market") ?? ""));
  }
}

export function showWarmingUp({ warming_up: missing }: Status): void {
  byId("warming-up").hidden = missing === null;
  if (missing === null) return;
  const progress = byId<HTMLProgressElement>("warming-up-progress");
  if (missing.seen_ms < missing.needed_ms) progress.value = missing.seen_ms / missing.needed_ms;
  else progress.removeAttribute("value"); // training: nobody knows how far it is
  byId("warming-up-detail").textContent = missing.detail;
}

export function showModels({ horizons, as_of_ms: nowMs }: Status): void {
  const rows = horizons.map(({ horizon_ms: horizonMs, model }) => {
    const horizon = make("th", "", duration(horizonMs));
    horizon.setAttribute("scope", "row");
    if (!model) {
      const nothing = make("td", "quiet", "not trained yet");
      nothing.setAttribute("colspan", "5");
      return make("tr", "", horizon, nothing);
    }
    const ageMs = Math.max(0, (nowMs ?? model.trained_at_ms) - model.trained_at_ms);
    return make(
      "tr",
      "",
      horizon,
      make("td", "", model.name.replaceAll("_", " ")),
      make("td", "", model.version),
      make("td", "", `${duration(ageMs)} ago`),
      make("td", "number", whole(model.rows)),
      make("td", "number", whole(model.trainings)),
    );
  });
  byId("models").replaceChildren(...rows);
}
