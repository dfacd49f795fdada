// The key of whoever looks, where reading is not open: asked for, kept as a cookie, forgotten.

import { byId } from "./elements.ts";

const COOKIE = "realtime_key"; // streams send cookies, and no header that a page could set
const YEAR_S = 31_536_000;

/** Ask for what needs a key; where one is missing or revoked, the page asks for it: null then. */
export async function fetchWithKey(path: string): Promise<Response | null> {
  const answer = await fetch(path);
  if (answer.status !== 401) return answer;
  const { detail } = (await answer.json()) as { detail: string };
  byId("key-detail").textContent = hasKey() ? detail : "";
  byId("key").hidden = false;
  byId("dashboard").hidden = true;
  byId("key-given").focus();
  return null;
}

/** Keep the key that is given, and show the button that forgets it. */
export function listenForKey(): void {
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keep(byId<HTMLInputElement>("key-given").value.trim(), YEAR_S);
  });
  const forget = byId("forget-key");
  forget.hidden = !hasKey();
  forget.addEventListener("click", () => keep("", 0));
}

function hasKey(): boolean {
  return document.cookie.split("; ").some((each) => each.startsWith(`${COOKIE}=`));
}

function keep(key: string, seconds: number): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const value = encodeURIComponent(key);
  document.cookie = `${COOKIE}=${value}; Path=/; Max-Age=${seconds}; SameSite=Strict${secure}`;
  location.reload();
}
