// How long each part of the way takes, from the close of a candle to a prediction to be read.

import { byId, make } from "./elements.ts";
import { microseconds, whole } from "./format.ts";
import type { Hop, Latency } from "./wire.ts";

const NAMES: Record<Hop["name"], string> = {
  exchange: "Close to receipt",
  prediction: "Receipt to prediction",
  api: "Prediction to API",
};

/** Show the parts as rows of a table, and what share of the way each takes as a bar. */
export function showHops(latency: Latency | null): void {
  byId("hops-none").hidden = latency !== null;
  byId("hops-table").hidden = latency === null;
  if (!latency) return;
  const rows = latency.hops.map((hop) => row(hop.name, NAMES[hop.name], hop));
  byId("hops").replaceChildren(...rows, row("all", "Receipt to API", latency));
  const parts = latency.hops.map(({ name, p50_us: median }) => {
    const part = make("i", `hop-${name}`);
    part.style.flexGrow = String(Math.max(0, median));
    return part;
  });
  byId("hops-bar").replaceChildren(...parts);
  byId("hops-count").textContent = `Of the newest ${whole(latency.count)} predictions.`;
}

function row(kind: string, name: string, { p50_us: median, p99_us: most }: Omit<Hop, "name">): HTMLElement {
  const label = make("th", "", make("i", "swatch"), name);
  label.setAttribute("scope", "row");
  return make(
    "tr",
    `hop-${kind}`,
    label,
    make("td", "number", microseconds(median)),
    make("td", "number", microseconds(most)),
  );
}
