// What whoever looks prefers, kept by this browser alone.

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** What there may be an alert of. */
export const OCCASIONS = ["confident", "stall", "gap"] as const;
export type Occasion = (typeof OCCASIONS)[number];

export interface Preferences {
  theme: Theme;
  /** As `venue:SYMBOL`; null for the first that is followed. */
  market: string | null;
  /** As a URL has it, such as 2s; null for the shortest. */
  horizon: string | null;
  /** How many candles are shown at first; null for as many as fit. */
  candles: number | null;
  alerts: Record<Occasion, boolean>;
  /** From which share of the moves on a direction is called confident. */
  confidentFrom: number;
}

export const CONFIDENT = { least: 0.5, most: 0.99 };

const NAME = "preferences";
const ALERTS = { confident: false, stall: false, gap: false };
const AT_FIRST: Preferences = {
  theme: "system",
  market: null,
  horizon: null,
  candles: null,
  alerts: ALERTS,
  confidentFrom: 0.8,
};

const unkept = new Map<string, string>(); // where the browser keeps nothing

/** Read what is kept; what is not there, or makes no sense, is as it is at first. */
export function preferences(): Preferences {
  const kept = parsed(stored());
  const alerts = isRecord(kept.alerts) ? kept.alerts : {};
  const { least, most } = CONFIDENT;
  const from = kept.confidentFrom;
  return {
    theme: THEMES.find((theme) => theme === kept.theme) ?? AT_FIRST.theme,
    market: typeof kept.market === "string" ? kept.market : null,
    horizon: typeof kept.horizon === "string" ? kept.horizon : null,
    candles: typeof kept.candles === "number" ? kept.candles : null,
    alerts: {
      confident: alerts.confident === true,
      stall: alerts.stall === true,
      gap: alerts.gap === true,
    },
    confidentFrom:
      typeof from === "number" && from >= least && from <= most ? from : AT_FIRST.confidentFrom,
  };
}

/** Keep some of it anew; return all of it. */
export function prefer(some: Partial<Preferences>): Preferences {
  const all = { ...preferences(), ...some };
  keep(NAME, JSON.stringify(all));
  return all;
}

/** Say whether something has been remembered here, such as that the tour was offered. */
export function isRemembered(name: string): boolean {
  return stored(name) !== null;
}

export function remember(name: string): void {
  keep(name, "1");
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    unkept.set(name, value);
  }
}

function stored(name: string = NAME): string | null {
  try {
    return localStorage.getItem(name) ?? unkept.get(name) ?? null;
  } catch {
    return unkept.get(name) ?? null;
  }
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const told: unknown = JSON.parse(text ?? "{}");
    return isRecord(told) ? told : {};
  } catch {
    return {};
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
