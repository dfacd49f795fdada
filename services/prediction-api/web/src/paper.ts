// Whether what is said comes as often as it is said, and what it would have earned on paper.

import { make, placed } from "./elements.ts";
import { bps, duration, percent, whole } from "./format.ts";
import type { HorizonStatus, OnPaper, ReliabilityBin } from "./wire.ts";

const LARGEST = 18; // pixels across, of the dot with the most moves
const SMALLEST = 6;

/** Of one horizon: a reliability diagram, and beside it the figures of positions on paper. */
export function paper({ horizon_ms: horizonMs, reliability, on_paper: earned }: HorizonStatus): HTMLElement {
  return make(
    "div",
    "paper",
    make("section", "", make("h3", "", `As often as said, ${duration(horizonMs)} ahead`), diagram(reliability)),
    make("section", "", make("h3", "", `On paper, ${duration(horizonMs)} ahead`), figures(earned)),
  );
}

function diagram(bins: ReliabilityBin[]): HTMLElement {
  if (bins.length === 0) return make("p", "quiet", "No outcome yet of a price that moved.");
  const plot = make("div", "reliability");
  plot.setAttribute("role", "img");
  const told = bins.map(({ said, came, moved }) => `said ${percent(said, 0)}, came ${percent(came, 0)} of ${whole(moved)} moves`);
  plot.ariaLabel = `Up: ${told.join("; ")}`;
  const most = Math.max(...bins.map(({ moved }) => moved));
  const dots = bins.map(({ said, came, moved }, index) => {
    const dot = placed("dot", said);
    const across = Math.max(SMALLEST, LARGEST * Math.sqrt(moved / most));
    dot.style.bottom = `${100 * came}%`;
    dot.style.width = dot.style.height = `${across}px`;
    dot.style.margin = `0 0 ${-across / 2}px ${-across / 2}px`;
    dot.title = `Up: ${told[index]}`;
    return dot;
  });
  plot.append(make("i", "diagonal"), ...dots);
  const axis = make("div", "axis");
  axis.setAttribute("aria-hidden", "true");
  for (const share of [0, 0.5, 1]) {
    const label = make("span", "", percent(share, 0));
    label.style.left = `${100 * share}%`;
    axis.append(label);
  }
  const words = "Up came (upwards) as often as it was said (to the right), where dots are on the line; the larger, the more moves.";
  return make("div", "", plot, axis, make("p", "quiet", words));
}

function figures({ positions, gross_bps: gross, spread_bps: spread, net_bps: net }: OnPaper): HTMLElement {
  if (gross === null || spread === null || net === null) {
    return make("p", "quiet", "No outcome yet of a direction with a book at its close.");
  }
  const facts: [string, string][] = [
    ["Positions", whole(positions)],
    ["Their moves", bps(gross)],
    ["The spread", bps(-spread)],
    ["Net, before fees", bps(net)],
  ];
  const list = make("dl", "");
  for (const [name, said] of facts) list.append(make("dt", "", name), make("dd", "", said));
  const words = net > 0
    ? "On average of all positions. Fees come off, and nobody is sure to be filled at these prices."
    : "On average of all positions the moves do not pay the spread, and fees come on top.";
  return make("div", "", list, make("p", "quiet", words));
}
