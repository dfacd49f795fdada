// Why a prediction said what it said: who was heard, what was seen, and what came of it.

import { contributions } from "./contributions.ts";
import { byId, make } from "./elements.ts";
import { basisPoints, duration, microseconds, percent, price, second } from "./format.ts";
import { ask } from "./key.ts";
import type { Explanation, Judged, Terms } from "./wire.ts";

export class Why {
  private readonly dialog = byId<HTMLDialogElement>("why");
  private shown = "";

  constructor() {
    byId("close-why").addEventListener("click", () => this.dialog.close());
  }

  /** Ask why, and show it; `path` is that of the market's predictions. */
  async show(path: string, made: Judged, decimals: number): Promise<void> {
    const title = `At ${second(made.close_time_ms)}, ${duration(made.horizon_ms)} ahead`;
    byId("why-title").textContent = title;
    byId("why-said").replaceChildren(make("p", "quiet", "is being read… of a model that no longer serves in some seconds"));
    this.shown = made.id;
    this.dialog.showModal();
    try {
      const answer = await ask(`${path}/${encodeURIComponent(made.id)}/explain`);
      const told = (await answer.json()) as Explanation & { detail?: string };
      this.say(made, answer.ok ? contents(told, decimals) : [make("p", "", told.detail ?? "")]);
    } catch {
      this.say(made, [make("p", "", "The server did not answer: try again.")]);
    }
  }

  /** Show what was answered, unless another prediction was asked about meanwhile. */
  private say({ id }: Judged, said: Node[]): void {
    if (id === this.shown) byId("why-said").replaceChildren(...said);
  }
}

function contents(told: Explanation, decimals: number): Node[] {
  const { prediction: made, candle, model, outcome, features, moments } = told;
  const shown = (value: number) => price(value, decimals);
  const facts: [string, string][] = [
    ["Up, if it moves", told.p_up === null ? "—" : percent(told.p_up)],
    ["No move", percent(made.p_flat)],
    ["Price", `${shown(made.predicted_price)}, ${percent(made.level, 0)} within ${shown(made.low)} – ${shown(made.high)}`],
    ["Direction", made.reason === null ? made.direction : `${made.direction}: ${made.reason}`],
  ];
  if (candle) {
    const { open, high, low, close, bid, ask: offered } = candle;
    facts.push(["Candle", `open ${shown(open)}, high ${shown(high)}, low ${shown(low)}, close ${shown(close)}`]);
    if (bid !== null && offered !== null) facts.push(["Book", `${shown(bid)} / ${shown(offered)}`]);
  }
  if (moments.latency_us !== null) facts.push(["Readable after", microseconds(moments.latency_us)]);
  const trained = model ? `, trained on ${model.rows.toLocaleString("en")} rows` : "";
  facts.push(["Model", `${made.model_name.replaceAll("_", " ")}, version ${made.model_version}${trained}`]);
  if (outcome) facts.push(["Came", `${outcome.verdict}, ${basisPoints(outcome.realised_return)}`]);
  const { contributions: notTakenApart, ...missing } = told.missing;
  for (const [what, why] of Object.entries(missing)) facts.push([`No ${what}`, why]);
  const list = make("dl", "");
  for (const [name, said] of facts) list.append(make("dt", "", name), make("dd", "", said));
  const parts: Node[] = [list];
  const candidates = Object.entries(made.candidates);
  if (candidates.length > 0) {
    candidates.sort(([, [, one]], [, [, other]]) => other - one);
    const rows = candidates.map(([name, [up, weight]]) => [
      name.replaceAll("_", " "),
      percent(weight, 0),
      percent(up),
    ]);
    parts.push(make("h3", "", "Who was heard"), table(["Candidate", "Weight", "Up, if it moves"], rows));
  }
  parts.push(make("h3", "", "What each feature added"));
  const added = told.contributions;
  if (added) {
    const heard = candidates.flatMap(([name]): [string, Terms][] => (added[name] ? [[name, added[name]]] : []));
    parts.push(...contributions(heard));
  } else {
    parts.push(make("p", "", `Not told: ${notTakenApart ?? "the server does not say why"}`));
  }
  if (features) {
    const rows = Object.entries(features.values).map(([name, value]) => [
      name,
      value === null ? "not yet" : value.toPrecision(5),
    ]);
    const folded = make("details", "", make("summary", "", `What was seen: ${rows.length} features`));
    folded.append(table(["Feature", "Value"], rows));
    parts.push(folded);
  }
  const command = make("code", "", `realtime explain ${told.id}`);
  parts.push(make("p", "quiet", "The same at length, made anew from what is stored: ", command));
  return parts;
}

function table(heads: string[], rows: string[][]): HTMLElement {
  const cell = (tag: string, text: string, column: number) => {
    const made = make(tag, column ? "number" : "", text);
    if (tag === "th") made.setAttribute("scope", "col");
    return made;
  };
  const head = make("tr", "", ...heads.map((text, column) => cell("th", text, column)));
  const lines = rows.map((row) => make("tr", "", ...row.map((text, n) => cell("td", text, n))));
  return make("table", "", make("thead", "", head), make("tbody", "", ...lines));
}
