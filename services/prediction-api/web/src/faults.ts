// What the server tells of a market's integrity, as faults with a kind, a time and words.

import { duration } from "./format.ts";
import type { DoubtSeen, GapSeen, IntegrityTold, StallSeen } from "./wire.ts";

/** A kind has a lane, a colour and a pattern in dashboard.css. */
export type Kind = "open" | "lost" | "repaired" | "stall" | "incomplete" | "unknown";

export interface Fault {
  key: string;
  kind: Kind;
  fromMs: number;
  untilMs: number | null; // it lasts
  text: string;
}

const UNPROVEN_MS = 10_000;
const UNPROVEN_CANDLES = 3;
const ENDS: Record<StallSeen["end"], string> = {
  open: "it lasts",
  quiet: "the exchange had nothing either",
  resumed: "the rest came by itself",
  zombie: "the connection was dead and was given up",
  unknown: "nobody was there to say how it ended",
};

/**
 * Return the faults, oldest first. The newest candles wait for a later trade to prove them: of a
 * market seen until `newestMs` those are no fault yet.
 */
export function faultsOf({ gaps, stalls, doubts }: IntegrityTold, newestMs: number): Fault[] {
  const told = doubts.filter((doubt) => !isWaiting(doubt, newestMs));
  const faults = [...gaps.map(ofGap), ...stalls.map(ofStall), ...told.map(ofDoubt)];
  return faults.sort((one, other) => one.fromMs - other.fromMs);
}

/** Say how many faults of each kind there are. */
export function summary(faults: Fault[]): string {
  const count = (kind: Kind) => faults.filter((fault) => fault.kind === kind).length;
  const parts = [
    [count("open"), "open gaps"],
    [count("lost"), "lost gaps"],
    [count("repaired"), "repaired gaps"],
    [count("stall"), "stalls"],
    [count("incomplete"), "runs of incomplete candles"],
    [count("unknown"), "runs of candles nobody can tell of"],
  ] as const;
  const said = parts.filter(([much]) => much).map(([much, what]) => `${what}: ${much}`);
  if (!said.length) return "Nothing is missing in the time shown.";
  return `In the time shown: ${said.join(", ")}.`;
}

function isWaiting(doubt: DoubtSeen, newestMs: number): boolean {
  const { since_ms, until_ms, candles, complete } = doubt;
  const timeframeMs = (until_ms - since_ms) / candles;
  const waitMs = Math.max(UNPROVEN_MS, UNPROVEN_CANDLES * timeframeMs);
  return complete === null && since_ms > newestMs - waitMs;
}

function ofGap(gap: GapSeen): Fault {
  const { epoch, first_id, end_id, ids, since_ms, until_ms, state, reason } = gap;
  const several = `${ids} trades, ids ${first_id} to ${end_id - 1}`;
  const those = ids === 1 ? `1 trade, id ${first_id}` : several;
  const what = ids ? those : "nobody knows how many trades, for their numbering began anew";
  const why = reason ? `: ${reason}` : "";
  return {
    key: `gap ${epoch} ${first_id} ${end_id}`,
    kind: state,
    fromMs: since_ms,
    untilMs: until_ms,
    text: `Gap, ${state}: ${what}, ${period(since_ms, until_ms)}${why}`,
  };
}

function ofStall({ channel, since_ms, until_ms, end }: StallSeen): Fault {
  const lasted = until_ms === null ? "" : ` (${duration(until_ms - since_ms)})`;
  return {
    key: `stall ${channel} ${since_ms}`,
    kind: "stall",
    fromMs: since_ms,
    untilMs: until_ms,
    text: `Stall of ${channel}, ${period(since_ms, until_ms)}${lasted}: ${ENDS[end]}`,
  };
}

function ofDoubt({ since_ms, until_ms, candles, complete }: DoubtSeen): Fault {
  const many = candles === 1 ? "1 candle" : `${candles} candles`;
  const isUnknown = complete === null;
  const what = isUnknown ? "of which nobody can tell whether trades are missing" : "incomplete";
  return {
    key: `candles ${since_ms} ${complete}`,
    kind: isUnknown ? "unknown" : "incomplete",
    fromMs: since_ms,
    untilMs: until_ms,
    text: `${many} ${what}, ${period(since_ms, until_ms)}`,
  };
}

/** 2026-11-22 03:00:00.250 to 03:00:01.000 UTC, with the day again where it is another. */
function period(fromMs: number, untilMs: number | null): string {
  const from = moment(fromMs);
  if (untilMs === null) return `since ${from} UTC`;
  const until = moment(untilMs);
  const isSameDay = from.slice(0, 10) === until.slice(0, 10);
  return `${from} to ${isSameDay ? until.slice(11) : until} UTC`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replace("T", " ");
}
