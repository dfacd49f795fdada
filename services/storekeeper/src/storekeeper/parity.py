"""Whether our candles equal the exchange's own, field by field."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Mapping
from decimal import Decimal

import msgspec

from marketstream.klines import Kline
from marketstream.messages import Candle, Compared, Parity

FIELDS = (
    "open", "high", "low", "close", "volume", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip
SETTLED_MS = 5_000  # until the exchange's own candle and our revisions are final

_KEPT = 100
_SHOWN = 5


class Difference(msgspec.Struct, frozen=True):
    """A field of a candle that the exchange has otherwise; numbers are decimal text."""

    market: str
    timeframe: str
    open_time_ms: int
    field: str
    ours: str
    theirs: str


def differences(candle: Candle, kline: Kline, fields: Container[str] = FIELDS) -> list[Difference]:
    """Compare a closed candle with the exchange's of the same interval, field by field.

    `fields` are those that the exchange's candles really have.
    A number is equal where it is the float nearest to the exchange's decimal, or differs by less
    than that decimal's last digit: exchanges cut quote volumes to 8 decimals.
    """
    return [
        Difference(
            candle.market, candle.timeframe, candle.open_time_ms, field, repr(ours), str(theirs)
        )
        for field in FIELDS
        if field in fields
        and not _equal(ours := getattr(candle, field), theirs := getattr(kline, field))
    ]


def _equal(ours: float, theirs: str | int) -> bool:
    if ours == float(theirs):
        return True
    exact = Decimal(theirs)
    exponent = exact.as_tuple().exponent
    return isinstance(exponent, int) and abs(Decimal(repr(ours)) - exact) < Decimal(10) ** exponent


def differences_from(candle: Candle, made: Candle) -> list[Difference]:
    """Compare a closed candle with one that is made of the exchange's trades, field by field."""
    return [
        Difference(
            candle.market, candle.timeframe, candle.open_time_ms, field, repr(ours), repr(theirs)
        )
        for field in FIELDS
        if (ours := getattr(candle, field)) != (theirs := getattr(made, field))
    ]


class ParityCount:
    """Counts what was compared for one market, and keeps the newest differences.

    Candles known to be incomplete are counted apart: that they differ is no news.
    """

    def __init__(self, fields: Container[str] = FIELDS) -> None:
        self._fields = fields
        self.compared = 0
        self.equal = 0
        self.incomplete = 0
        self.differing = 0
        self.differences: deque[Difference] = deque(maxlen=_KEPT)
        self._timeframes: dict[str, Compared] = {}

    @property
    def rate(self) -> float | None:
        """The share of complete candles that equal the exchange's; None before any."""
        return self.equal / self.compared if self.compared else None

    def said(self) -> Parity:
        """Return the counts and the newest differences, as they are told to others."""
        newest = list(self.differences)[-_SHOWN:]
        return Parity(
            compared=self.compared,
            equal=self.equal,
            incomplete=self.incomplete,
            differences=[msgspec.structs.asdict(difference) for difference in newest],
            timeframes=dict(self._timeframes),
        )

    def audit(
        self, candles: Iterable[Candle], theirs: Mapping[int, Kline | Candle]
    ) -> list[Candle]:
        """Compare with the exchange's klines, or what its trades make, by their open times.

        Return the candles called complete that the exchange has otherwise.
        """
        wrong = []
        for candle in candles:
            other = theirs.get(candle.open_time_ms)
            if other is None:
                continue
            if not candle.complete:
                self.incomplete += 1
                continue
            if isinstance(other, Kline):
                found = differences(candle, other, self._fields)
            else:
                found = differences_from(candle, other)
            if self._count(candle.timeframe, found):
                wrong.append(candle)
        return wrong

    def _count(self, timeframe: str, found: list[Difference]) -> bool:
        counts = self._timeframes.get(timeframe, Compared(0, 0))
        self._timeframes[timeframe] = Compared(counts.compared + 1, counts.equal + (not found))
        self.compared += 1
        self.equal += not found
        self.differing += len(found)
        self.differences.extend(found)
        return bool(found)
