// What probabilities say, in a word or two.

import { percent } from "./format.ts";
import { make } from "./elements.ts";
import type { Prediction } from "./wire.ts";

const TOSS_UP = 0.05; // so near to one half, of the moves

export interface Headline {
  text: string;
  kind: "up" | "down" | "flat" | "toss-up" | "abstain";
  /** 0 where it could be either way, 1 where there is no doubt. */
  sure: number;
  /** Where it more probably goes if it moves at all. */
  lean: string;
}

type Said = Pick<Prediction, "direction" | "p_up" | "p_flat" | "p_down">;

/** Say what is most probable; a direction only where it is one. */
export function headlineOf({ direction, p_up: up, p_flat: flat, p_down: down }: Said): Headline {
  const share = up + down > 0 ? up / (up + down) : 0.5; // of the moves
  const leaning = `if it moves: ${share < 0.5 ? "▼" : "▲"} ${percent(Math.max(share, 1 - share), 0)}`;
  if (direction === "abstain") {
    return { text: "○ abstains", kind: "abstain", sure: 0, lean: leaning };
  }
  if (flat > Math.max(up, down)) {
    return { text: "– no move", kind: "flat", sure: 0, lean: leaning };
  }
  if (Math.abs(share - 0.5) < TOSS_UP) {
    return { text: "≈ toss-up", kind: "toss-up", sure: 0, lean: leaning };
  }
  const kind = share > 0.5 ? "up" : "down";
  const text = kind === "up" ? "▲ up" : "▼ down";
  return { text, kind, sure: 2 * Math.abs(share - 0.5), lean: leaning };
}

/** Show a headline; the surer it is, the more colour it has. */
export function headline({ text, kind, sure }: Headline): HTMLElement {
  const said = make("span", `said ${kind}`, text);
  said.style.setProperty("--sure", `${Math.round(40 + 60 * sure)}%`);
  return said;
}
