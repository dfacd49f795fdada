"""What of an answer can be believed: rows beside what was asked for, and beside each other.

One refusal a row: the others of a page stay. What is refused is missing, and may be asked for once
more; so may what a page leaves out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from exchanges.venue import HistoricTrade, Page
from marketstream.errors import NetworkError
from marketstream.klines import Kline
from marketstream.messages import Trade
from marketstream.orders import longest_rising

FIRST_MS, LAST_MS = 1_230_768_000_000, 4_102_444_800_000  # the years 2009 to 2099

_MARGIN_MS = 5_000  # between the clocks of an exchange, and of two trades out of order
_FACTOR = 2.0  # between two prices of one market
_MOST_COUNT = 100_000  # fills of one taker at one price
_FREE_JUMP, _IDS_A_MS = 1_000, 20  # ids between two trades that a busy market may leave out


class Checked(NamedTuple):
    """Trades that are believed, in the order of their ids; why others of the `rows` are not.

    A row that came twice, each time the same, is in `rows` twice and refused by nobody.
    """

    trades: list[HistoricTrade]
    rows: int
    refused: tuple[str, ...]

    def next_page_id(self, most_rows: int) -> int | None:
        """Return where the next page begins; None where a page of `most_rows` has none after it.

        None too where it brought nothing to go on from, so that a loop over pages ends.
        """
        if self.rows < most_rows or not self.trades:
            return None
        return self.trades[-1].page_id + 1


def check_trades(
    page: Page,
    symbol: str,
    *,
    page_id: int | None,
    from_ms: int,
    reference_price: float | None = None,
    now_ms: int | None = None,
    until_us: int | None = None,
    contiguous: bool = True,
    ordered: bool = True,
    counts_back: bool = False,
) -> Checked:
    """Return the rows of a page that make sense, in order, each once.

    `page_id` and `from_ms` are what was asked for: from an id on, or else from a time on.
    `reference_price` is one that the market has had not long before or after, `now_ms` the
    exchange's clock; where they are None, prices and future times are not looked at. With
    `contiguous` ids, a row far from the others by its id is refused too. Where most prices are
    another market's, all rows are refused. Where ids are not `ordered`, nothing is said of their
    order. Of pages that are counted back (`counts_back`) rows before what was asked for are left
    out, and nobody's fault; so are those later than `until_us`, which may be of other numbers.
    """
    refused = [f"{symbol}: {reason}" for reason in page.refused]

    def keep(
        rows: list[HistoricTrade], problem: Callable[[HistoricTrade], str | None]
    ) -> list[HistoricTrade]:
        kept = []
        for row in rows:
            reason = problem(row)
            if reason is None:
                kept.append(row)
            else:
                refused.append(f"{symbol}: trade {row.trade.id}: {reason}")
        return kept

    def alone(row: HistoricTrade) -> str | None:
        return _problem(row.trade) or _not_asked(row, page_id, from_ms, now_ms)

    rows = sorted(dict.fromkeys(page.trades), key=lambda row: row.page_id)
    if counts_back:
        rows = [row for row in rows if not _is_before(row, page_id, from_ms)]
    if until_us is not None:
        rows = [row for row in rows if row.trade.time_us <= until_us]
    rows = keep(rows, alone)
    rows = keep(rows, _contradicted(rows))
    if ordered:
        rows = keep(rows, _out_of_order(rows))
        rows = keep(rows, _overlapping(rows))
    rows = keep(rows, _out_of_time(rows))
    if contiguous:
        rows = keep(rows, _far_off(rows))
    if reference_price is not None:
        rows = keep(rows, _unlike(rows, reference_price))
    return Checked(rows, len(page.trades) + len(page.refused), tuple(refused))


def check_klines(klines: Sequence[Kline], symbol: str) -> list[Kline]:
    """Return an exchange's own candles; raises NetworkError where one makes no sense."""
    for kline in klines:
        try:
            low, high = float(kline.low), float(kline.high)
            inside = [low, float(kline.open), float(kline.close), high]
            sums = [float(kline.volume), float(kline.quote_volume)]
        except ValueError as error:
            raise NetworkError(f"{symbol}: a kline that holds no number: {error}") from error
        bounded = low > 0 and all(low <= price <= high for price in inside)
        if not (bounded and all(map(math.isfinite, [*inside, *sums])) and min(sums) >= 0):
            raise NetworkError(f"{symbol}: a kline that makes no sense: {kline!r:.300}")
        check_time(kline.open_time_ms)
    return list(klines)


def check_time(time_ms: int) -> int:
    """Return a time in ms; raises NetworkError where it is none of the years 2009 to 2099."""
    if not FIRST_MS <= time_ms < LAST_MS:
        raise NetworkError(f"{time_ms} is no time in ms of the years 2009 to 2099")
    return time_ms


def _problem(trade: Trade) -> str | None:
    """Say what of a trade makes no sense whatever was asked."""
    if not (0 < trade.price < math.inf and 0 < trade.quantity < math.inf):
        return f"{trade.quantity:g} at {trade.price:g} is no trade"
    if not FIRST_MS * 1_000 <= trade.time_us < LAST_MS * 1_000:
        return f"{trade.time_us} is no time in µs of the years 2009 to 2099"
    if not 0 < trade.count <= min(_MOST_COUNT, trade.id + 1):
        return f"it is {trade.count} fills"
    return None


def _is_before(row: HistoricTrade, page_id: int | None, from_ms: int) -> bool:
    if page_id is not None:
        return row.page_id < page_id
    return row.trade.time_us // 1_000 < from_ms - _MARGIN_MS


def _not_asked(
    row: HistoricTrade, page_id: int | None, from_ms: int, now_ms: int | None
) -> str | None:
    time_ms = row.trade.time_us // 1_000
    if page_id is not None and row.page_id < page_id:
        return f"asked for {page_id} and on, answered {row.page_id}"
    if page_id is None and time_ms < from_ms - _MARGIN_MS:
        return f"its time {time_ms} is before {from_ms}, from which on it was asked for"
    if now_ms is not None and time_ms > now_ms + _MARGIN_MS:
        return f"its time {time_ms} is ahead of the exchange's clock, {now_ms}"
    return None


def _contradicted(rows: list[HistoricTrade]) -> Callable[[HistoricTrade], str | None]:
    """Refuse rows that differ under one id: nobody can tell which of them is true."""
    twice = {one.page_id for one, two in pairwise(rows) if one.page_id == two.page_id}
    return lambda row: "it came twice, and not the same" if row.page_id in twice else None


def _out_of_order(rows: list[HistoricTrade]) -> Callable[[HistoricTrade], str | None]:
    """Refuse rows whose trades are not in the order of their pages: as few as will do."""
    ids = [row.trade.id for row in rows]
    kept = {rows[position].page_id for position in longest_rising(ids, strictly=True)}
    return lambda row: None if row.page_id in kept else "its id is out of order"


def _overlapping(rows: list[HistoricTrade]) -> Callable[[HistoricTrade], str | None]:
    """Refuse aggregates that hold fills of the one before."""
    overlaps = {
        two.page_id for one, two in pairwise(rows) if two.trade.id - two.trade.count < one.trade.id
    }
    return lambda row: "it holds fills of the one before" if row.page_id in overlaps else None


def _out_of_time(rows: list[HistoricTrade]) -> Callable[[HistoricTrade], str | None]:
    """Refuse rows whose time is neither near that of the one before nor of the one after."""
    times_us = [row.trade.time_us for row in rows]
    kept = longest_rising(times_us, strictly=False)
    margin_us = _MARGIN_MS * 1_000
    refused = set()
    for position in sorted(set(range(len(rows))) - set(kept)):
        after = bisect_left(kept, position)
        since_us = times_us[kept[after - 1]] if after else 0
        until_us = times_us[kept[after]] if after < len(kept) else since_us
        if not since_us - margin_us <= times_us[position] <= until_us + margin_us:
            refused.add(rows[position].page_id)
    return lambda row: "its time is out of order" if row.page_id in refused else None


def _far_off(rows: list[HistoricTrade]) -> Callable[[HistoricTrade], str | None]:
    """Refuse rows whose ids are further from most than trades can have come in between."""
    runs: list[list[HistoricTrade]] = []
    for row in rows:
        last = runs[-1][-1].trade if runs else None
        passed_ms = 0 if last is None else max(0, row.trade.time_us - last.time_us) // 1_000
        if last is None or row.trade.id - last.id > _FREE_JUMP + _IDS_A_MS * passed_ms:
            runs.append([])
        runs[-1].append(row)
    kept = {row.page_id for row in max(runs, key=len, default=[])}
    return lambda row: None if row.page_id in kept else "its id is far from those beside it"


def _unlike(rows: list[HistoricTrade], price: float) -> Callable[[HistoricTrade], str | None]:
    """Refuse rows whose prices are far off; all of them where most are: another market's."""
    off = {row.page_id for row in rows if not price / _FACTOR <= row.trade.price <= price * _FACTOR}
    if 2 * len(off) > len(rows):
        return lambda _: f"most prices of its page are far from {price:g}: another market's"
    return lambda row: (
        f"its price {row.trade.price:g} is far from {price:g}" if row.page_id in off else None
    )
