// A market's first view and the news after it, through lost connections.

import type { News, View } from "./wire.ts";

const NAMES = ["candle", "forming", "prediction", "preview", "outcome", "status"] as const;
const AGAIN_MS = 2_000;

export interface Listener {
  /** All there is, at first and after each lost connection. */
  viewed(view: View): void;
  news<Name extends keyof News>(name: Name, news: News[Name]): void;
  lost(): void;
}

/** Follow a market, by its path in URLs, until the returned function is called. */
export function follow(path: string, listener: Listener): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  const stopped = new AbortController();

  const connect = (): void => {
    source?.close();
    source = new EventSource(`/stream/${path}`);
    let waiting: (() => void)[] | null = []; // news from before the view has come
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        const tell = () => listener.news(name, JSON.parse(event.data));
        if (waiting) waiting.push(tell);
        else tell();
      });
    }
    source.addEventListener("open", async () => {
      waiting = [];
      try {
        const answer = await fetch(`/view/${path}`, { signal: stopped.signal });
        if (!answer.ok) throw new Error(`/view/${path}: ${answer.status}`);
        listener.viewed(await answer.json());
        for (const tell of waiting) tell();
        waiting = null;
      } catch {
        if (!stopped.signal.aborted) retry();
      }
    });
    source.addEventListener("error", () => retry());
  };
  const retry = (): void => {
    listener.lost();
    source?.close();
    clearTimeout(timer);
    timer = window.setTimeout(connect, AGAIN_MS);
  };

  connect();
  return () => {
    stopped.abort();
    clearTimeout(timer);
    source?.close();
  };
}
