"""Which candles of the store have to be looked at again, and what gaps make of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from marketstream.messages import Candle, Gap


def unsettled(candles: Sequence[Candle]) -> list[Candle]:
    """Return which of a timeframe's candles, in order of time, are not known to be complete.

    Their certificates say so, or the ids do: within a candle, or between two that follow on each
    other, those without trades between them included.
    """
    found: dict[int, Candle] = {}
    since: int | None = None  # the newest candle with trades, of those that follow on each other
    for at, candle in enumerate(candles):
        if at and candles[at - 1].close_time_ms != candle.open_time_ms:
            since = None
        if candle.complete is not True or _lacks_ids(candle):
            found[at] = candle
        if candle.first_trade_id is None:
            continue
        last_id = None if since is None else candles[since].last_trade_id
        if since is not None and last_id is not None and candle.first_trade_id > last_id + 1:
            found |= {between: candles[between] for between in range(since, at + 1)}
        since = at
    return [found[at] for at in sorted(found)]


def _lacks_ids(candle: Candle) -> bool:
    first_id, last_id = candle.first_trade_id, candle.last_trade_id
    if first_id is None or last_id is None:
        return candle.trade_count > 0
    return candle.trade_count != last_id - first_id + 1


def reach_us(gap: Gap) -> tuple[int, int]:
    """Return between which times, both included, the trades of a gap may have been."""
    until_us = gap.since_us if gap.until_us is None else gap.until_us
    return min(gap.since_us, until_us), max(gap.since_us, until_us)


def touches(gap: Gap, candle: Candle) -> bool:
    """Say whether trades of a gap may belong to a candle: it holds one of its sides, or is between.

    Both sides are in it: ids may be out of step with times.
    """
    since_us, until_us = reach_us(gap)
    return candle.open_time_ms * 1_000 <= until_us and since_us < candle.close_time_ms * 1_000


def marks(candles: Iterable[Candle], gaps: Sequence[Gap]) -> list[Candle]:
    """Return revisions of the candles that are called better than gaps which are lost allow.

    One that a gap touches is not complete, and its count is what it would be with all that is lost;
    of one at a seam between two numberings nobody can tell.
    """
    lost = [gap for gap in gaps if gap.state == "lost"]
    revised = []
    for candle in candles:
        if candle.complete is False:
            continue
        touching = [gap for gap in lost if touches(gap, candle)]
        missing = sum(gap.end_id - gap.first_id for gap in touching)
        if missing:
            revised.append(
                replace(
                    candle, complete=False, expected_count=candle.trade_count + missing,
                    revision=candle.revision + 1,
                )
            )  # fmt: skip
        elif touching and candle.complete:
            revised.append(
                replace(candle, complete=None, expected_count=None, revision=candle.revision + 1)
            )
    return revised


def disagreed(candle: Candle, theirs: int | None) -> Candle:
    """Return a candle revised to say that the exchange has it otherwise, with its own count."""
    expected = candle.trade_count if theirs is None else theirs
    return replace(candle, complete=False, expected_count=expected, revision=candle.revision + 1)


def mended(stored: Candle, made: Candle) -> Candle | None:
    """Return a candle revised to what the exchange's trades make of it; None where it is that.

    The book stays as it was stored, and so does the count of late trades.
    """
    revised = replace(
        made,
        bid=stored.bid, bid_quantity=stored.bid_quantity,
        ask=stored.ask, ask_quantity=stored.ask_quantity,
        depth=stored.depth, context=stored.context,
        filled=stored.filled or made.trade_count != stored.trade_count,
        late_count=stored.late_count,
        revision=stored.revision,
    )  # fmt: skip
    return None if revised == stored else replace(revised, revision=stored.revision + 1)


class Seam(NamedTuple):
    """Between two numberings: candles from `begins_ms` on are of the new one.

    Of the old one the last trade that is known has the id `last_id`, and none is after `ends_us`.
    """

    begins_ms: int
    ends_us: int
    last_id: int


def seams(gaps: Iterable[Gap]) -> list[Seam]:
    """Return where numberings have begun again, in order."""
    found = [gap for gap in gaps if gap.first_id == gap.end_id and gap.until_us is not None]
    reaches = [(reach_us(gap), gap.first_id - 1) for gap in found]
    return sorted(
        Seam(-(-until_us // 1_000), since_us, last) for (since_us, until_us), last in reaches
    )


def opens_before(candles: Iterable[Candle], seam: Seam) -> dict[int, int]:
    """Return when candles of ids that ended open, by the first of these."""
    return {
        candle.first_trade_id: candle.open_time_ms
        for candle in candles
        if candle.first_trade_id is not None and candle.close_time_ms <= seam.begins_ms
    }


def groups(
    candles: Iterable[Candle], most_ms: int, seams_ms: Sequence[int] = ()
) -> list[list[Candle]]:
    """Return candles to be folded together, the newest group first.

    A group spans `most_ms` or, where one candle is longer, that candle. None has candles of before
    and after one of the seams.
    """
    found: list[tuple[int, int, list[Candle]]] = []
    in_order = sorted(candles, key=lambda one: (one.open_time_ms, -one.close_time_ms))
    for candle in in_order:
        if found:
            from_ms, to_ms, some = found[-1]
            end_ms = max(to_ms, candle.close_time_ms)
            is_one = bisect_right(seams_ms, from_ms) == bisect_right(seams_ms, candle.open_time_ms)
            if is_one and (end_ms == to_ms or end_ms - from_ms <= most_ms):
                some.append(candle)
                found[-1] = (from_ms, end_ms, some)
                continue
        found.append((candle.open_time_ms, candle.close_time_ms, [candle]))
    return [some for _, _, some in reversed(found)]


def witnesses(candles: Iterable[Candle]) -> dict[int, tuple[float, tuple[int, int]]]:
    """Return what complete candles say of their first and last trades: price and interval by id."""
    known: dict[int, tuple[float, tuple[int, int]]] = {}
    for candle in candles:
        if candle.complete and not _lacks_ids(candle):
            interval = (candle.open_time_ms, candle.close_time_ms)
            for number, price in (
                (candle.first_trade_id, candle.open), (candle.last_trade_id, candle.close)
            ):  # fmt: skip
                if number is not None:
                    known[number] = (price, interval)
    return known
