"""The exchange's trades folded anew into some intervals, exactly, page by page."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from math import gcd

from marketstream.errors import NetworkError
from marketstream.messages import Candle, Trade

type Interval = tuple[int, int]
"""Open and close in ms."""

type Point = tuple[int, int, float]
"""A trade's time in µs, id and price: points come in the order in which trades happened."""

SLACK_MS = 1_000  # by which the time of a trade may lag behind its id

_EXACT = Context(prec=80)
_NOTHING = Decimal(0)


class DisagreementError(NetworkError):
    """What the exchange answers contradicts itself, or what is known already."""


class NothingMoreError(DisagreementError):
    """The exchange has said all that it has, and that does not prove some intervals.

    They are those that open by `since_us`, the first trade it knows of or the end of the kline that
    holds it, or close after `until_us`, the last one of a numbering that has ended; None is no
    bound.
    """

    def __init__(
        self, text: str, *, since_us: int | None = None, until_us: int | None = None
    ) -> None:
        super().__init__(text)
        self._since_us = since_us
        self._until_us = until_us

    def is_about(self, interval: Interval) -> bool:
        """Say whether an interval is one of them."""
        open_us, close_us = interval[0] * 1_000, interval[1] * 1_000
        is_before = self._since_us is not None and open_us <= self._since_us
        return is_before or (self._until_us is not None and close_us > self._until_us)


class Sums:
    """The trades of one interval; sums are exact."""

    __slots__ = (
        "bought", "closed", "count", "first_id", "high", "last_id", "low", "opened", "quote_volume",
        "sold", "taker_quote_volume", "taker_volume", "volume",
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = 0
        self.first_id = self.last_id = -1
        self.high = self.low = 0.0
        self.opened: Point | None = None
        self.closed: Point | None = None
        self.bought: Point | None = None
        self.sold: Point | None = None
        self.volume = self.quote_volume = _NOTHING
        self.taker_volume = self.taker_quote_volume = _NOTHING

    def add(self, trade: Trade, quantity: Decimal, value: Decimal) -> None:
        """Add a trade, in the order of ids; `value` is its price times its quantity."""
        price = trade.price
        point = (trade.time_us, trade.id, price)
        if not self.count:
            self.first_id = trade.id - trade.count + 1
            self.high = self.low = price
        self.last_id = trade.id
        self.count += trade.count
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.opened = _first(self.opened, point)
        self.closed = point if self.closed is None else max(self.closed, point)
        self.volume = _EXACT.add(self.volume, quantity)
        self.quote_volume = _EXACT.add(self.quote_volume, value)
        if trade.taker == "buy":
            self.bought = _first(self.bought, point)
            self.taker_volume = _EXACT.add(self.taker_volume, quantity)
            self.taker_quote_volume = _EXACT.add(self.taker_quote_volume, value)
        else:
            self.sold = _first(self.sold, point)


class Refold:
    """Candles of intervals as the exchange's trades make them.

    Trades come in the order of their ids, the first of them before the first interval opens and the
    last after the last one closes, so that each id between is known. `witnesses` are prices and
    intervals of trades that are known already, by id.
    """

    def __init__(
        self, intervals: Iterable[Interval], witnesses: Mapping[int, tuple[float, Interval]]
    ) -> None:
        self._sums = {interval: Sums() for interval in intervals}
        self.from_ms = min(open_ms for open_ms, _ in self._sums)
        self.to_ms = max(close_ms for _, close_ms in self._sums)
        self._lengths = {close_ms - open_ms for open_ms, close_ms in self._sums}
        self._cell_ms = gcd(*self._lengths)
        self._closes: dict[int, Point] = {}
        self._cells: list[int] | None = None
        self._witnesses = sorted(witnesses.items())
        self._agreed = self._contradicted = 0
        self.last_id: int | None = None
        self.last_us = 0
        self.begins = False

    @property
    def ends(self) -> bool:
        """Whether a trade has come that is later than all that belong here."""
        return self.last_us >= (self.to_ms + SLACK_MS) * 1_000

    def add(self, trades: Sequence[Trade]) -> None:
        """Add a page; raises DisagreementError where ids are missing between two trades."""
        for trade in trades:
            if self.last_id is None:
                self.begins = trade.time_us < self.from_ms * 1_000 or trade.id == trade.count - 1
            elif trade.id != self.last_id + trade.count:
                raise DisagreementError(
                    f"the exchange leaves out trades {self.last_id + 1} to {trade.id - trade.count}"
                )
            self.last_id, self.last_us = trade.id, max(self.last_us, trade.time_us)
            self._add(trade)
        self._hear_witnesses(trades)

    def check(self) -> None:
        """Raise DisagreementError where most witnesses say that these are other trades."""
        if self._contradicted > self._agreed:
            raise DisagreementError(
                f"{self._contradicted} trades that are known have another price or time in the "
                "exchange's answer"
            )

    def candle(self, market: str, timeframe: str, interval: Interval) -> Candle:
        """Return the candle of one of the intervals, without a book; DisagreementError if unknown.

        One without trades is flat at the last price before it.
        """
        sums = self._sums[interval]
        if sums.opened is None or sums.closed is None:
            opened = closed = high = low = self._price_before(interval[0])
        else:
            opened, closed, high, low = sums.opened[2], sums.closed[2], sums.high, sums.low
        traded = sums.count > 0
        return Candle(
            market, timeframe, *interval,
            open=opened, high=high, low=low, close=closed,
            volume=float(sums.volume), quote_volume=float(sums.quote_volume),
            trade_count=sums.count,
            taker_buy_volume=float(sums.taker_volume),
            taker_buy_quote_volume=float(sums.taker_quote_volume),
            first_buy=None if sums.bought is None else sums.bought[2],
            first_sell=None if sums.sold is None else sums.sold[2],
            first_trade_id=sums.first_id if traded else None,
            last_trade_id=sums.last_id if traded else None,
            complete=True, expected_count=sums.count,
        )  # fmt: skip

    def _add(self, trade: Trade) -> None:
        time_ms = trade.time_us // 1_000
        if time_ms >= self.to_ms:
            return
        cell = time_ms // self._cell_ms
        point = (trade.time_us, trade.id, trade.price)
        self._closes[cell] = max(self._closes.get(cell, point), point)
        if time_ms < self.from_ms:
            return
        quantity = Decimal(repr(trade.quantity))
        value = _EXACT.multiply(Decimal(repr(trade.price)), quantity)
        for length_ms in self._lengths:
            open_ms = time_ms - time_ms % length_ms
            sums = self._sums.get((open_ms, open_ms + length_ms))
            if sums is not None:
                sums.add(trade, quantity, value)

    def _price_before(self, open_ms: int) -> float:
        if self._cells is None or len(self._cells) != len(self._closes):
            self._cells = sorted(self._closes)
        at = bisect_left(self._cells, open_ms // self._cell_ms)
        if not at:
            raise DisagreementError(f"no trade before {open_ms} is in the exchange's answer")
        return self._closes[self._cells[at - 1]][2]

    def _hear_witnesses(self, trades: Sequence[Trade]) -> None:
        at = 0
        for trade in trades:
            first_id = trade.id - trade.count + 1
            at = bisect_left(self._witnesses, first_id, lo=at, key=lambda one: one[0])
            while at < len(self._witnesses) and self._witnesses[at][0] <= trade.id:
                price, (open_ms, close_ms) = self._witnesses[at][1]
                at += 1
                if trade.price == price and open_ms <= trade.time_us // 1_000 < close_ms:
                    self._agreed += 1
                else:
                    self._contradicted += 1


def _first(one: Point | None, other: Point) -> Point:
    return other if one is None else min(one, other)
