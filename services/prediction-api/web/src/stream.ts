// The first views of the markets that are shown and the news after them, through lost connections.

import { readEvents } from "./events.ts";
import { ask } from "./key.ts";
import { preferences } from "./preferences.ts";
import type { FollowedMarket, News, View } from "./wire.ts";

const NAMES = ["candle", "forming", "prediction", "preview", "outcome", "moves", "status"] as const;
const AGAIN_MS = 2_000;
const HIDDEN_MS = 3_000; // so that a glance at another tab costs nothing

export interface Listener {
  /** News are asked for, of another market or after nobody has looked for a while. */
  asked(): void;
  /** All there is, at first and after each lost connection. */
  viewed(view: View): void;
  news<Name extends keyof News>(name: Name, news: News[Name]): void;
  lost(): void;
}

type Followed = [Listener, FollowedMarket][];

/**
 * Tells each listener of its market, all in one stream: a browser opens six connections to a server
 * at most, in all its tabs together. A tab that nobody sees has none, unless it is to alert.
 */
export class Following {
  private readonly wanted = new Map<Listener, FollowedMarket>();
  private stopped: AbortController | null = null;
  private hiding = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => this.seen());
  }

  /** Have a listener told of a market, or with null of none. */
  follow(listener: Listener, market: FollowedMarket | null): void {
    if (market) this.wanted.set(listener, market);
    else this.wanted.delete(listener);
    this.stop();
    queueMicrotask(() => this.begin()); // two that change places ask once
  }

  private begin(): void {
    if (this.stopped || this.wanted.size === 0 || !isNeeded()) return;
    this.stopped = new AbortController();
    for (const listener of this.wanted.keys()) listener.asked();
    void keepFollowing([...this.wanted], this.stopped.signal);
  }

  private stop(): void {
    this.stopped?.abort();
    this.stopped = null;
  }

  private seen(): void {
    window.clearTimeout(this.hiding);
    if (isNeeded()) this.begin();
    else this.hiding = window.setTimeout(() => this.stop(), HIDDEN_MS);
  }
}

function isNeeded(): boolean {
  return !document.hidden || Object.values(preferences().alerts).includes(true);
}

async function keepFollowing(followed: Followed, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const ended = new AbortController();
    const { signal } = ended;
    const end = () => ended.abort();
    stopped.addEventListener("abort", end);
    try {
      await followOnce(followed, signal);
    } catch {
      // what went wrong is told below, whatever it was
    }
    end(); // of the stream, where a view could not be had
    stopped.removeEventListener("abort", end);
    if (stopped.aborted) return;
    for (const [listener] of followed) listener.lost();
    await new Promise((again) => setTimeout(again, AGAIN_MS));
  }
}

/** Follow until the connection is lost. */
async function followOnce(followed: Followed, signal: AbortSignal): Promise<void> {
  const stream = await answered(streamOf(followed), signal);
  if (!stream.body) return;
  const waiting = new Map(followed.map(([listener]) => [listener, [] as (() => void)[]]));
  const view = async ([listener, { path }]: Followed[number]): Promise<void> => {
    const told = (await (await answered(`/view/${path}`, signal)).json()) as View;
    if (signal.aborted) return;
    listener.viewed(told);
    for (const tell of waiting.get(listener) ?? []) tell();
    waiting.delete(listener);
  };
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    let [listener] = followed[0] ?? [];
    for await (const { name, data } of readEvents(body)) {
      if (name === "market") {
        const market = JSON.parse(data);
        [listener] = followed.find(([, each]) => each.market === market) ?? [];
      }
      const known = NAMES.find((each) => each === name);
      const told = listener;
      if (!known || !told) continue;
      const tell = () => told.news(known, JSON.parse(data));
      const before = waiting.get(told); // news from before its view has come
      if (before) before.push(tell);
      else tell();
    }
    throw new Error("the stream has ended");
  };
  await Promise.all([...followed.map(view), read(stream.body)]);
}

function streamOf(followed: Followed): string {
  const [first, beside] = followed.map(([, market]) => market);
  const more = beside ? `?beside=${encodeURIComponent(beside.market)}` : "";
  return `/stream/${first?.path}${more}`;
}

async function answered(path: string, signal: AbortSignal): Promise<Response> {
  const answer = await ask(path, signal);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}
