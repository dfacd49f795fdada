// A market's first view and the news after it, through lost connections.

import { readEvents } from "./events.ts";
import { ask } from "./key.ts";
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
  const stopped = new AbortController();
  void keepFollowing(path, listener, stopped.signal);
  return () => stopped.abort();
}

async function keepFollowing(path: string, listener: Listener, stopped: AbortSignal) {
  while (!stopped.aborted) {
    const ended = new AbortController();
    const { signal } = ended;
    const end = () => ended.abort();
    stopped.addEventListener("abort", end);
    try {
      await followOnce(path, listener, signal);
    } catch {
      // what went wrong is told below, whatever it was
    }
    end(); // of the stream, where the view could not be had
    stopped.removeEventListener("abort", end);
    if (stopped.aborted) return;
    listener.lost();
    await new Promise((again) => setTimeout(again, AGAIN_MS));
  }
}

/** Follow until the connection is lost. */
async function followOnce(path: string, listener: Listener, signal: AbortSignal): Promise<void> {
  const stream = await answered(`/stream/${path}`, signal);
  if (!stream.body) return;
  let waiting: (() => void)[] | null = []; // news from before the view has come
  const view = async (): Promise<void> => {
    const told = (await (await answered(`/view/${path}`, signal)).json()) as View;
    if (signal.aborted) return;
    listener.viewed(told);
    for (const tell of waiting ?? []) tell();
    waiting = null;
  };
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const { name, data } of readEvents(body)) {
      const known = NAMES.find((each) => each === name);
      if (!known) continue;
      const tell = () => listener.news(known, JSON.parse(data));
      if (waiting) waiting.push(tell);
      else tell();
    }
    throw new Error(`/stream/${path} has ended`);
  };
  await Promise.all([view(), read(stream.body)]);
}

async function answered(path: string, signal: AbortSignal): Promise<Response> {
  const answer = await ask(path, signal);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}
