// Light or dark: as the system has it, or as somebody prefers.

import { preferences } from "./preferences.ts";

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** Have the page light or dark, as dashboard.css has colours for. */
export function applyTheme(): void {
  const { theme } = preferences();
  const isDark = theme === "system" ? DARK.matches : theme === "dark";
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
}

/** Have a function called when the system becomes light or dark. */
export function onSystemTheme(changed: () => void): void {
  DARK.addEventListener("change", changed);
}
