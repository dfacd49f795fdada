// How often each horizon was right: an error bar beside what needs no skill, on one axis.

import { make, placed } from "./elements.ts";
import { duration, minute, percent, whole } from "./format.ts";
import { paper } from "./paper.ts";
import type { HorizonStatus, Proof, Score } from "./wire.ts";

const COIN = 0.5;
const STEP = 0.05;

/** Show all horizons, and more of the chosen one. */
export function showAccuracy(horizons: HorizonStatus[], chosenMs: number, into: HTMLElement): void {
  const axis = new Axis(horizons.map((horizon) => horizon.score));
  const rows = horizons.map((horizon) => {
    const drawn = row(horizon, axis);
    drawn.classList.toggle("chosen", horizon.horizon_ms === chosenMs);
    return drawn;
  });
  const chosen = horizons.filter(({ horizon_ms: horizonMs }) => horizonMs === chosenMs);
  into.replaceChildren(...rows, axis.labels(), key(), ...chosen.map(paper));
}

/** From and to the steps around everything shown; the coin is always one of them. */
class Axis {
  readonly steps: number[];
  private readonly from: number;
  private readonly to: number;

  constructor(scores: Score[]) {
    const shown = scores.flatMap(({ accuracy, low, high, baselines, references }) =>
      accuracy === null
        ? []
        : [low ?? COIN, high ?? COIN, ...Object.values(baselines), ...Object.values(references)],
    );
    const low = Math.max(0, Math.min(0.4, ...shown));
    const high = Math.min(1, Math.max(0.6, ...shown));
    const step = high - low > COIN ? 2 * STEP : STEP;
    const first = Math.floor(low / step);
    const last = Math.ceil(high / step);
    this.steps = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
    this.from = first * step;
    this.to = last * step;
  }

  at(share: number): number {
    return (share - this.from) / (this.to - this.from);
  }

  labels(): HTMLElement {
    const labels = this.steps.slice(1, -1).map((step) => {
      const label = make("span", "", percent(step, 0));
      label.style.left = `${100 * this.at(step)}%`;
      return label;
    });
    const axis = make("div", "axis", ...labels);
    axis.setAttribute("aria-hidden", "true");
    const line = make("div", "score axis-line", make("b", ""), axis);
    return line;
  }
}

function row({ horizon_ms: horizonMs, score, proof }: HorizonStatus, axis: Axis): HTMLElement {
  const { accuracy, low, high, baselines, references } = score;
  const strip = make("div", "strip");
  strip.setAttribute("aria-hidden", "true"); // the text beside it says the same
  for (const step of axis.steps) {
    const isCoin = Math.abs(step - COIN) < STEP / 10;
    strip.append(placed(isCoin ? "scale coin" : "scale", axis.at(step)));
  }
  let figure = "no outcome yet";
  if (accuracy !== null && low !== null && high !== null) {
    for (const share of Object.values(baselines)) {
      strip.append(placed("baseline", axis.at(share)));
    }
    strip.append(placed("interval", axis.at(low), axis.at(high) - axis.at(low)));
    strip.append(placed("end", axis.at(low)), placed("end", axis.at(high)));
    for (const share of Object.values(references)) {
      strip.append(placed("reference", axis.at(share)));
    }
    strip.append(placed("accuracy", axis.at(accuracy)));
    figure = `${percent(accuracy)} (${percent(low)} – ${percent(high)})`;
  }
  const ahead = best(references);
  const isAhead = accuracy !== null && ahead !== null && ahead[1] > accuracy;
  const [better] = proof.better;
  const rows = `${whole(score.moved)} moves, worth ${whole(score.effective)} independent ones`;
  const others = Object.entries({ ...baselines, ...references })
    .map(([name, share]) => `${name.replaceAll("_", " ")} ${percent(share)}`)
    .join(" · ");
  const words: string[] = [proof.verdict];
  if (better) words.push(`${better.replaceAll("_", " ")} is better`);
  else if (isAhead) words.push(`${ahead[0].replaceAll("_", " ")} is ahead, perhaps by chance`);
  const verdict = make("span", "skill", words.join("; "));
  verdict.title = explained(proof);
  return make(
    "div",
    `score ${better || isAhead ? "behind" : ""} ${better ? "" : "by-chance"}`,
    make("b", "", duration(horizonMs)),
    strip,
    make(
      "p",
      "verdict",
      verdict,
      document.createElement("br"),
      make("span", "figure", figure),
    ),
    make("p", "others", [rows, others, covered(proof)].filter(Boolean).join(" · ")),
  );
}

/** Tell of what the verdict is. */
function covered({ outcomes, since_ms: sinceMs }: Proof): string {
  return sinceMs === null ? "" : `verdict on ${whole(outcomes)} outcomes since ${minute(sinceMs)}`;
}

/** Tell what the verdict rests on, and why one may look at it as often as one likes. */
function explained(proof: Proof): string {
  const { alpha, log10_e: log10 } = proof;
  const most = `at most ${percent(alpha, 0)}`;
  return [
    `It may be looked at at any time: that anything false is ever said here has a chance of ${most}, however often you look.`,
    `The evidence of skill (its e-value) is 10^${log10.toFixed(1)}; 10^${-Math.log10(alpha)} is proof.`,
    covered(proof),
  ].join("\n");
}

/** The reference that is right most often. */
function best(references: Record<string, number>): [string, number] | null {
  return Object.entries(references).sort((one, other) => other[1] - one[1])[0] ?? null;
}

function key(): HTMLElement {
  const entry = (text: string, ...classes: string[]) => {
    const strip = make("span", "strip", ...classes.map((name) => make("i", name)));
    return make("span", "", strip, text);
  };
  const entries = [
    entry("model with its 95 % interval", "interval", "accuracy"),
    entry("baselines", "baseline"),
    entry("reference models", "reference"),
  ];
  return make("p", "key", ...entries);
}
