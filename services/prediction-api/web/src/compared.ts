// Which market is shown beside the first: chosen at the top, kept in the URL.

import { byId, make } from "./elements.ts";
import { keepInUrl, parameters } from "./url.ts";
import type { FollowedMarket } from "./wire.ts";

const NONE = "";

export class Compared {
  private readonly select = byId<HTMLSelectElement>("beside");
  private beside: FollowedMarket | null;

  constructor(
    private readonly markets: FollowedMarket[],
    private first: FollowedMarket,
    private readonly show: (beside: FollowedMarket | null) => void,
  ) {
    byId("compare").hidden = markets.length < 2;
    const asked = parameters().get("beside");
    this.beside = this.found(asked);
    this.offer();
    if (this.beside) show(this.beside);
    this.select.addEventListener("change", () => this.choose(this.found(this.select.value)));
  }

  /** Have another market as the first; where it was beside, the two change places. */
  with(first: FollowedMarket): void {
    const before = this.first;
    this.first = first;
    if (this.beside === first) this.choose(before);
    this.offer();
  }

  private choose(beside: FollowedMarket | null): void {
    this.beside = beside;
    keepInUrl({ beside: beside?.market ?? null });
    this.show(beside);
  }

  private found(name: string | null): FollowedMarket | null {
    return this.markets.find((each) => each.market === name && each !== this.first) ?? null;
  }

  private offer(): void {
    const others = this.markets.filter((each) => each !== this.first);
    const options = others.map(({ market, symbol, venue }) => {
      const option = make("option", "", `${symbol} on ${venue}`) as HTMLOptionElement;
      option.value = market;
      return option;
    });
    const none = make("option", "", "no other") as HTMLOptionElement;
    none.value = NONE;
    this.select.replaceChildren(none, ...options);
    this.select.value = this.beside?.market ?? NONE;
  }
}
