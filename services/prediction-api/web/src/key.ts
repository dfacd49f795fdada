// The key of whoever looks, where reading is not open: asked for, kept, sent, forgotten.

import { byId } from "./elements.ts";

const NAME = "realtime_key";
const YEAR_S = 31_536_000;
const POSSIBLE = /^[\x21-\x7e]{1,512}$/; // a header takes no others, and fetch throws
const IMPOSSIBLE =
  "That cannot be a key: keys are letters, digits and signs, without spaces or accents.";

/**
 * Ask the server for something, with the key that this tab keeps.
 *
 * It goes in a header and never in a URL, which logs and histories would keep. A key that the
 * browser keeps is a cookie, which is sent by itself.
 */
export function ask(path: string, signal?: AbortSignal): Promise<Response> {
  return fetch(path, { headers: keyHeaders(), signal: signal ?? null });
}

/** The headers that say the key which this tab keeps, none without one. */
export function keyHeaders(): Record<string, string> {
  const key = tabKey();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Ask for what needs a key; where one is missing or revoked, the page asks for it: null then. */
export async function askWithKey(path: string): Promise<Response | null> {
  const answer = await ask(path);
  if (answer.status !== 401) return answer;
  const { detail } = (await answer.json()) as { detail: string };
  if (!byId("key").hidden) return null; // it is asked for, and perhaps being typed
  byId("key-detail").textContent = hasKey() ? detail : "";
  showAsking(true);
  byId("key-given").focus();
  return null;
}

/** Show the form for a key in the place of the dashboard, or the dashboard again. */
export function showAsking(isAsked: boolean): void {
  byId("key").hidden = !isAsked;
  byId("dashboard").hidden = isAsked;
}

/** Keep the key that is given, in the page or in the settings, and forget it by a button. */
export function listenForKey(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form.key-form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = form.querySelector<HTMLInputElement>("[type=password]")?.value.trim() ?? "";
      const isToStay = form.querySelector<HTMLInputElement>("[type=checkbox]")?.checked ?? false;
      const said = form.parentElement?.querySelector("[role=alert]");
      if (POSSIBLE.test(given)) use(given, isToStay);
      else if (said) said.textContent = IMPOSSIBLE;
    });
  }
  const forget = byId("forget-key");
  forget.hidden = !hasKey();
  forget.addEventListener("click", () => use("", false));
  byId("key-state").textContent = said();
}

/** The key that this tab keeps; null also where the browser keeps nothing for the page. */
function tabKey(): string | null {
  try {
    const kept = sessionStorage.getItem(NAME);
    if (kept === null || POSSIBLE.test(kept)) return kept;
    sessionStorage.removeItem(NAME);
    return null;
  } catch {
    return null;
  }
}

function said(): string {
  if (tabKey() !== null) return "This tab keeps a key until it is closed.";
  return hasCookie() ? "This browser keeps a key for this server." : "No key is kept.";
}

function hasKey(): boolean {
  return tabKey() !== null || hasCookie();
}

function hasCookie(): boolean {
  return document.cookie.split("; ").some((each) => each.startsWith(`${NAME}=`));
}

/** Keep a key in this tab, or in the browser as a cookie, and in no other place; "" forgets it. */
function use(key: string, isToStay: boolean): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const [value, seconds] = isToStay ? [encodeURIComponent(key), YEAR_S] : ["", 0];
  document.cookie = `${NAME}=${value}; Path=/; Max-Age=${seconds}; SameSite=Strict${secure}`;
  try {
    if (key === "" || isToStay) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    byId("key-detail").textContent = "The browser keeps nothing for this page: its settings can.";
    return;
  }
  location.reload();
}
