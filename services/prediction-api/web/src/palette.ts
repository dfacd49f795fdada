// The colours of the page, as dashboard.css has them for light and for dark.

const NAMES = [
  "card",
  "text",
  "grid",
  "line",
  "up",
  "down",
  "mid",
  "accent",
  "band",
  "ribbon",
  "right",
  "wrong",
  "muted",
  "volume",
] as const;

export type Palette = Record<(typeof NAMES)[number], string>;

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const entries = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(entries) as Palette;
}
