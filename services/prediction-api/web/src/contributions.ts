// What each feature added to what a candidate said, as signed bars, the largest first.

import { make, placed } from "./elements.ts";
import { percent } from "./format.ts";
import type { Terms } from "./wire.ts";

const MOST_SHOWN = 10; // the others are summed
const NOTHING = 0.0005; // what rounds to none is not worth a line

interface Term {
  name: string;
  added: number;
}

/** One folded list for each candidate, in the order they are given, the first of them open. */
export function contributions(told: [name: string, terms: Terms][]): Node[] {
  const lists = told.map(([name, terms], index) => {
    const up = 1 / (1 + Math.exp(-terms.log_odds));
    const said = `${name.replaceAll("_", " ")}: ${signed(terms.log_odds)} in all, up ${percent(up)}`;
    const list = make("details", "", make("summary", "", said), termsOf(terms));
    list.toggleAttribute("open", index === 0);
    return list;
  });
  const meaning = "Log odds of up, if it moves: to the right of the middle more up, to the left more down. Together they are what the candidate said.";
  return [make("p", "quiet", meaning), ...lists];
}

function termsOf({ base, features }: Terms): HTMLElement {
  if (!features) return make("p", "quiet", "A model of this kind cannot be taken apart.");
  const sorted = Object.entries(features)
    .map(([name, added]): Term => ({ name, added }))
    .sort((one, other) => Math.abs(other.added) - Math.abs(one.added));
  const shown = sorted.slice(0, MOST_SHOWN).filter(({ added }) => Math.abs(added) >= NOTHING);
  const others = sorted.slice(shown.length);
  if (others.length > 0) {
    const added = others.reduce((sum, term) => sum + term.added, 0);
    shown.push({ name: `${others.length} more, together`, added });
  }
  shown.push({ name: "base, whatever is known", added: base });
  const largest = Math.max(...shown.map(({ added }) => Math.abs(added))) || 1;
  return make("ul", "terms", ...shown.map((term) => line(term, largest)));
}

function line({ name, added }: Term, largest: number): HTMLElement {
  const share = Math.abs(added) / largest / 2;
  const bar = make("span", "bar", placed(added < 0 ? "down" : "up", added < 0 ? 0.5 - share : 0.5, share));
  bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
  const parts = name.split("_").flatMap((part, index) => (index ? ["_", make("wbr", ""), part] : [part]));
  return make("li", "", make("span", "", ...parts), bar, make("span", "number", signed(added)));
}

function signed(value: number): string {
  if (Math.abs(value) < NOTHING) return "0.000";
  return `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(3)}`;
}
