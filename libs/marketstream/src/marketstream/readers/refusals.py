"""Rows that say a trade, and cannot be believed beside the others of their market.

The rules are those that a live stream and the answers of an exchange are held to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketstream.orders import longest_rising
from marketstream.readers.numberings import by_id, go_with_time
from marketstream.readers.numbers import Flags, Floats, Integers

CONTRADICTED = "one id, and not the same trade"
OUT_OF_TIME = "its time is out of order"
FAR_AWAY = "its time is far from that of all others"
UNLIKE = "its price is far from those beside it"
TOO_MUCH = "more than anybody ever traded"

_MARGIN_US = 5_000_000  # between two trades out of order, where ids say what comes after what
_WRITTEN_MARGIN_US = 60_000_000  # where only the order of the lines does
_MOSTLY_IN_ORDER = 0.9
_FACTOR = 2.0  # between two prices of one market
_MOST_VALUE = 1e13  # of one trade, in quote units
_BESIDE = 7  # rows on either side that a price is held against
_FEW, _MANY = 2, 20  # rows that are far from so many others
_SILENT = 1_000  # times the usual time between two rows
_MINUTE_US, _DAY_US = 60_000_000, 86_400_000_000


class Rows(NamedTuple):
    """Columns of rows as they were read; `epochs` says of which numbering each is."""

    time_us: Integers
    price: Floats
    quantity: Floats
    taker: NDArray[np.int8]
    fills: Integers
    ids: Integers | None
    epochs: Integers | None


class Refused(NamedTuple):
    """Rows that are not believed, why, and from when to when they may have been traded.

    Of a row that is out of order nobody knows whether its time or its place is wrong: it may have
    been traded at either.
    """

    reason: str
    rows: Integers
    lost_us: Integers


def refusals(rows: Rows, parts: Sequence[int]) -> tuple[Flags, list[Refused]]:
    """Return which rows stay, each id once, and those that are refused.

    `parts` are how many rows in a row were written one after the other. The same row twice is no
    refusal: one of them stays.
    """
    refused: list[Refused] = []
    kept = np.ones(len(rows.time_us), np.bool_)

    def refuse(reason: str, which: Integers, lost_us: Integers | None = None) -> None:
        if len(which):
            kept[which] = False
            own = np.stack([rows.time_us[which]] * 2, axis=1)
            spans = own if lost_us is None else np.concatenate((own, lost_us))
            refused.append(Refused(reason, which, spans))

    refuse(TOO_MUCH, np.flatnonzero(rows.price * rows.quantity > _MOST_VALUE))
    if rows.ids is not None:
        order = by_id(rows.ids, rows.epochs)
        contradicted, repeats = _repeated(rows, order)
        kept[repeats] = False
        refuse(CONTRADICTED, contradicted)
        if go_with_time(_in_time(rows, rows.ids, np.flatnonzero(kept))):
            order = order[kept[order]]
            refuse(OUT_OF_TIME, *_out_of_time(rows.time_us, order, _MARGIN_US))
    else:
        for order in _written(rows.time_us, parts):
            order = order[kept[order]]
            refuse(OUT_OF_TIME, *_out_of_time(rows.time_us, order, _WRITTEN_MARGIN_US))
    order = np.flatnonzero(kept)
    order = order[np.argsort(rows.time_us[order], kind="stable")]
    refuse(FAR_AWAY, _far_away(rows.time_us, order))
    refuse(UNLIKE, _unlike(rows.price, order[kept[order]]))
    return kept, refused


def _in_time(rows: Rows, ids: Integers, which: Integers) -> Integers:
    """Return the ranks of ids, through all numberings, in the order of time."""
    epochs = None if rows.epochs is None else rows.epochs[which]
    rank = np.empty(len(which), np.int64)
    rank[by_id(ids[which], epochs)] = np.arange(len(which))
    return rank[np.lexsort((rank, rows.time_us[which]))]


def _repeated(rows: Rows, order: Integers) -> tuple[Integers, Integers]:
    """Return the rows whose id others have too that differ, and those that only say it again.

    Times may be cut to ms and a side be unknown in one of two rows that are the same.
    """
    ids, epochs = rows.ids, rows.epochs
    nothing = np.zeros(0, np.int64)
    if ids is None:
        return nothing, nothing
    same_id = ids[order][1:] == ids[order][:-1]
    if epochs is not None:
        same_id &= epochs[order][1:] == epochs[order][:-1]
    if not np.any(same_id):
        return nothing, nothing
    group = np.cumsum(np.append(True, ~same_id)) - 1
    # A known side comes first, whatever the order of the lines.
    inside = np.lexsort((-np.abs(rows.taker[order]), rows.time_us[order], group))
    order, group = order[inside], group[inside]
    first = order[np.searchsorted(group, group)]
    coarse = (rows.time_us[order] % 1_000 == 0) | (rows.time_us[first] % 1_000 == 0)
    same_time = (rows.time_us[order] == rows.time_us[first]) | (
        coarse & (rows.time_us[order] // 1_000 == rows.time_us[first] // 1_000)
    )
    taker = rows.taker.astype(np.int64)
    same = (
        same_time
        & (rows.price[order] == rows.price[first])
        & (rows.quantity[order] == rows.quantity[first])
        & (rows.fills[order] == rows.fills[first])
        & (taker[order] * taker[first] >= 0)
    )
    contradicted = np.zeros(int(group[-1]) + 1, np.bool_)
    contradicted[group[~same]] = True
    is_repeat = np.append(False, group[1:] == group[:-1]) & ~contradicted[group]
    return order[contradicted[group]], order[is_repeat]


def _out_of_time(time_us: Integers, order: Integers, margin_us: int) -> tuple[Integers, Integers]:
    """Return the rows whose time is near neither the one before nor the one after, and spans."""
    times = time_us[order]
    if len(times) < _FEW:
        return order[:0], np.zeros((0, 2), np.int64)
    latest = np.maximum.accumulate(times)
    earliest = np.minimum.accumulate(times[::-1])[::-1]
    doubted = np.zeros(len(times), np.bool_)
    doubted[1:] |= times[1:] < latest[:-1] - margin_us
    doubted[:-1] |= times[:-1] > earliest[1:] + margin_us
    places = np.flatnonzero(doubted)
    rising = places[longest_rising(times[places].tolist(), strictly=False)]
    doubted[rising] = False
    sure = np.flatnonzero(~doubted)
    places = np.flatnonzero(doubted)
    after = np.searchsorted(sure, places)
    since = times[sure[(after - 1).clip(min=0)]]
    until = times[sure[after.clip(max=len(sure) - 1)]]
    wrong = (times[places] < since - margin_us) | (times[places] > until + margin_us)
    spans = np.column_stack((np.minimum(since, until), np.maximum(since, until)))
    return order[places[wrong]], spans[wrong]


def _written(time_us: Integers, parts: Sequence[int]) -> Iterator[Integers]:
    """Yield the rows of each part in the order of time that its lines are in, if they are in one.

    Parts of one row say nothing.
    """
    start = 0
    for length in parts:
        order = np.arange(start, start + length)
        start += length
        steps = np.diff(time_us[order])
        for direction in (1, -1):
            if len(steps) and float(np.mean(steps * direction >= 0)) >= _MOSTLY_IN_ORDER:
                yield order[::direction]
                break


def _far_away(time_us: Integers, order: Integers) -> Integers:
    """Return the few first or last rows that are as far from all others as no silence is long.

    No silence is 1,000 times as long as others are on average, nor as long as all others together
    and a day.
    """
    times = time_us[order]
    if len(times) < 2 * _FEW + _MANY:
        return order[:0]
    for few in range(2 * _FEW, 0, -1):
        for first in range(max(0, few - _FEW), min(few, _FEW) + 1):
            end = len(times) - (few - first)
            span_us = int(times[end - 1] - times[first])
            usual_us = max(_MINUTE_US, _SILENT * span_us // (end - first))
            least_us = min(max(_DAY_US, span_us), usual_us)
            is_far = not first or times[first] - times[first - 1] > least_us
            if is_far and (end == len(times) or times[end] - times[end - 1] > least_us):
                return np.concatenate((order[:first], order[end:]))
    return order[:0]


def _unlike(price: Floats, order: Integers) -> Integers:
    """Return the rows whose price is far from those before and from those after, in time."""
    prices = price[order]
    factor = prices[1:] / prices[:-1]
    jumps = np.flatnonzero((factor > _FACTOR) | (factor < 1 / _FACTOR))
    unlike = []
    for place in np.union1d(jumps, jumps + 1).tolist():
        sides = (prices[max(0, place - _BESIDE) : place], prices[place + 1 :][:_BESIDE])
        beside = [float(np.median(side)) for side in sides if len(side)]
        if sum(map(len, sides)) > _FEW and not any(
            usual / _FACTOR <= prices[place] <= usual * _FACTOR for usual in beside
        ):
            unlike.append(place)
    return order[unlike]
