// What the page's URL says of what is shown, so that it can be kept and sent.

/** What stands behind the `?`. */
export function parameters(): URLSearchParams {
  return new URLSearchParams(location.search);
}

/** Have the URL say what is shown; null takes a part away. */
export function keepInUrl(shown: Record<string, string | null>): void {
  const kept = parameters();
  for (const [name, value] of Object.entries(shown)) {
    if (value === null) kept.delete(name);
    else kept.set(name, value);
  }
  history.replaceState(null, "", `?${kept}`);
}

/** Write a horizon as the API takes it: 2s, 250ms. */
export function inUrl(ms: number): string {
  return ms % 1_000 ? `${ms}ms` : `${ms / 1_000}s`;
}
