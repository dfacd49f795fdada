// Who is heard how much: the candidates of each horizon, and their weights in what is served.

import { byId, make } from "./elements.ts";
import { duration, percent } from "./format.ts";
import type { Market } from "./market.ts";
import type { Candidate } from "./wire.ts";

export function showWeights({ horizonsMs, newest }: Market): void {
  const horizons = horizonsMs.flatMap((horizonMs) => {
    const candidates = Object.entries(newest.get(horizonMs)?.candidates ?? {});
    if (candidates.length === 0) return [];
    candidates.sort(([, one], [, other]) => other.weight - one.weight);
    const head = make("h4", "", `In ${duration(horizonMs)}`);
    return [make("section", "", head, make("ul", "", ...candidates.map(line)))];
  });
  byId("weights").replaceChildren(...horizons);
  byId("who-is-heard").hidden = horizons.length === 0;
}

function line([name, { weight, p_up: up, model }]: [string, Candidate]): HTMLElement {
  const filled = make("i", "");
  filled.style.width = `${100 * weight}%`;
  const bar = make("span", "bar", filled);
  bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
  const item = make(
    "li",
    "",
    make("span", "", name.replaceAll("_", " ")),
    bar,
    make("span", "number", percent(weight, 0)),
  );
  item.title = `${model}: up in ${percent(up)} of moves`;
  return item;
}
