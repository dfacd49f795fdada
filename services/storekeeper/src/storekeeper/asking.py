"""What the exchange says of some intervals: its trades, folded and held against its klines."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from exchanges.client import (
    RestClient,
    fetch_checked,
    fetch_klines,
    fetch_newest_trade,
    page_after,
)
from marketstream.klines import Kline
from marketstream.moments import iso
from marketstream.timeframes import timeframe_ms
from storekeeper.parity import differences
from storekeeper.refolding import SLACK_MS, DisagreementError, Interval, NothingMoreError, Refold
from storekeeper.touched import Seam

_LEADS_MS = (SLACK_MS, 8_000, 64_000, 512_000, 3_600_000)  # to have a trade before the first
_MOST_KLINES = 900  # fewer than a page holds


class Numbering(NamedTuple):
    """Ids that follow on each other: since when there are any (ms), and how they end, if they do.

    Of ids that have ended only what is asked for by time has any. `opens` says of stored candles
    when those open that begin with an id.
    """

    since_ms: int
    ends: Seam | None
    opens: Mapping[int, int] = MappingProxyType({})

    def holds(self, interval: Interval) -> bool:
        """Say whether all trades of an interval have its ids."""
        open_ms, close_ms = interval
        is_before_end = self.ends is None or close_ms * 1_000 <= self.ends.ends_us
        return self.since_ms <= open_ms and is_before_end


ONE_NUMBERING = Numbering(0, None)
"""Ids that have never begun again."""


class Answer:
    """The trades of some intervals, and the klines that they do not agree with."""

    def __init__(self, refold: Refold, otherwise: Sequence[Kline]) -> None:
        self.refold = refold
        self.otherwise = otherwise

    def doubts(self, interval: Interval) -> bool:
        """Say whether a kline that overlaps an interval disagrees with the trades in it."""
        return any(
            kline.open_time_ms < interval[1] and interval[0] <= kline.close_time_ms
            for kline in self.otherwise
        )


async def ask(
    client: RestClient,
    market: str,
    symbol: str,
    intervals: Sequence[Interval],
    witnesses: Mapping[int, tuple[float, Interval]],
    reference_price: float,
    numbering: Numbering = ONE_NUMBERING,
) -> Answer:
    """Return what trades and klines say of intervals; raises NetworkError where nobody can tell.

    It is a DisagreementError where the answers make no sense together, or not beside what
    `witnesses` say of trades that are known. Klines that reach beyond the `numbering` are not
    looked at: nobody has all of their trades.
    """
    from_ms = min(open_ms for open_ms, _ in intervals)
    to_ms = max(close_ms for _, close_ms in intervals)
    timeframe = _kline_timeframe(client, to_ms - from_ms)
    grid = [one for one in _grid(timeframe, from_ms, to_ms) if numbering.holds(one)]
    refold = await _read(client, symbol, intervals, grid, witnesses, reference_price, numbering)
    if timeframe is None:
        return Answer(refold, [])
    klines = await fetch_klines(client, symbol, timeframe, from_ms=refold.from_ms)
    fields = client.venue.kline_fields
    return Answer(refold, _otherwise(refold, market, timeframe, grid, klines, fields))


def _kline_timeframe(client: RestClient, span_ms: int) -> str | None:
    """Return the finest timeframe of which one answer has all klines; None where there is none."""
    most = min(_MOST_KLINES, client.venue.page_klines - 2)
    fit = [
        name for name in client.venue.kline_intervals
        if _is_timeframe(name) and span_ms <= most * timeframe_ms(name)
    ]  # fmt: skip
    return min(fit, key=timeframe_ms, default=None)


def _is_timeframe(name: str) -> bool:
    return name[-1:] in ("s", "m", "h") or name == "1d"


def _grid(timeframe: str | None, from_ms: int, to_ms: int) -> list[Interval]:
    if timeframe is None:
        return []
    length_ms = timeframe_ms(timeframe)
    first_ms = from_ms - from_ms % length_ms
    return [(open_ms, open_ms + length_ms) for open_ms in range(first_ms, to_ms, length_ms)]


async def _read(
    client: RestClient,
    symbol: str,
    intervals: Sequence[Interval],
    grid: Sequence[Interval],
    witnesses: Mapping[int, tuple[float, Interval]],
    reference_price: float,
    numbering: Numbering,
) -> Refold:
    """Read pages until the intervals are covered, from early enough to have a trade before them.

    Where the seam comes first, what there is up to it has to do.
    """
    seam = numbering.ends
    until_us = None if seam is None else seam.ends_us
    first_us = 0
    for lead_ms in _LEADS_MS:
        refold = Refold([*intervals, *grid], witnesses)
        at: tuple[int | None, int] | None = (None, refold.from_ms - lead_ms)
        while at is not None:
            page_id, from_ms = at
            page = await fetch_checked(
                client, symbol, page_id=page_id, from_ms=from_ms,
                reference_price=reference_price, until_us=until_us,
            )  # fmt: skip
            if page.refused:
                raise DisagreementError(f"{len(page.refused)} rows are refused: {page.refused[0]}")
            if refold.last_id is None and page.trades:
                first_us = page.trades[0].trade.time_us
            known_id = -1 if refold.last_id is None else refold.last_id
            refold.add([row.trade for row in page.trades if row.trade.id > known_id])
            at = page_after(client.venue, page, from_ms, by_time=seam is not None)
            if not refold.begins or refold.ends:
                break
        if refold.begins:
            if not refold.ends and seam is not None:
                _check_seam(symbol, refold, seam, numbering.opens)
            elif not refold.ends:
                await _check_newest(client, symbol, refold, reference_price)
            refold.check()
            return refold
    text = f"{symbol}: no trade before {iso(refold.from_ms)} is to be had"
    if refold.last_id is None:
        raise DisagreementError(text)
    cells = [close_ms for open_ms, close_ms in grid if open_ms * 1_000 <= first_us]
    until_us = max([first_us, *(close_ms * 1_000 - 1 for close_ms in cells)])
    raise NothingMoreError(text, since_us=until_us)


def _check_seam(symbol: str, refold: Refold, seam: Seam, opens: Mapping[int, int]) -> None:
    """Check that pages ended where the ids do, and after all that belongs there.

    Or with the last id before a stored candle that is after all of that.
    """
    last_id, last_us = refold.last_id, refold.last_us
    if last_id is not None and opens.get(last_id + 1, -1) >= refold.to_ms:
        return
    text = f"{symbol}: pages end with trade {last_id}, and ids begin again after {seam.last_id}"
    if last_id is None or last_id < seam.last_id:
        raise DisagreementError(text)
    if last_us < refold.to_ms * 1_000:
        raise NothingMoreError(text, until_us=max(last_us, seam.ends_us))


async def _check_newest(
    client: RestClient, symbol: str, refold: Refold, reference_price: float
) -> None:
    """Check that where pages ended, the exchange knows no more."""
    newest = await fetch_newest_trade(client, symbol, reference_price=reference_price)
    if newest is None or newest.trade.id != refold.last_id:
        said = "and it says of no newest" if newest is None else f"the newest is {newest.trade.id}"
        raise DisagreementError(f"{symbol}: pages end with trade {refold.last_id}, {said}")


def _otherwise(
    refold: Refold,
    market: str,
    timeframe: str,
    grid: Iterable[Interval],
    klines: Sequence[Kline],
    fields: Container[str],
) -> list[Kline]:
    """Return the klines that differ from what the trades make; DisagreementError if one lacks."""
    theirs = {kline.open_time_ms: kline for kline in klines}
    found = []
    for interval in grid:
        ours = refold.candle(market, timeframe, interval)
        kline = theirs.get(interval[0])
        if kline is None:
            if ours.trade_count:
                raise DisagreementError(f"{market}: no kline {timeframe} of {interval[0]}")
        elif differences(ours, kline, fields):
            found.append(kline)
    return found
