"""Whether our candles equal the exchange's own, field by field."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from marketstream.klines import Kline
from marketstream.messages import Candle, Parity

FIELDS = (
    "open", "high", "low", "close", "volume", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip
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


def differences(candle: Candle, kline: Kline) -> list[Difference]:
    """Compare a closed candle with the exchange's of the same interval, field by field.

    A number is equal where it is the float nearest to the exchange's decimal, or differs by less
    than that decimal's last digit: exchanges cut quote volumes to 8 decimals.
    """
    return [
        Difference(
            candle.market, candle.timeframe, candle.open_time_ms, field, repr(ours), str(theirs)
        )
        for field in FIELDS
        if not _equal(ours := getattr(candle, field), theirs := getattr(kline, field))
    ]


def _equal(ours: float, theirs: str | int) -> bool:
    if ours == float(theirs):
        return True
    exact = Decimal(theirs)
    exponent = exact.as_tuple().exponent
    return isinstance(exponent, int) and abs(Decimal(repr(ours)) - exact) < Decimal(10) ** exponent


def lacks_trades(candle: Candle, kline: Kline) -> bool:
    """Say whether the exchange counts trades that we have not seen."""
    return candle.trade_count < kline.trade_count


class ParityCount:
    """Counts what was compared for one market, and keeps the newest differences.

    Candles known to be incomplete are counted apart: that they differ is no news.
    """

    def __init__(self) -> None:
        self.compared = 0
        self.equal = 0
        self.incomplete = 0
        self.differing = 0
        self.differences: deque[Difference] = deque(maxlen=_KEPT)

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
        )

    def audit(
        self, candles: Iterable[Candle], klines: Sequence[Kline]
    ) -> list[tuple[Candle, Kline]]:
        """Compare; return candles called complete that lack trades, each with the exchange's."""
        theirs = {kline.open_time_ms: kline for kline in klines}
        lacking = []
        for candle in candles:
            kline = theirs.get(candle.open_time_ms)
            if kline is None:
                continue
            if not candle.complete:
                self.incomplete += 1
                continue
            self.compared += 1
            found = differences(candle, kline)
            self.equal += not found
            self.differing += len(found)
            self.differences.extend(found)
            if lacks_trades(candle, kline):
                lacking.append((candle, kline))
        return lacking


def marked(candle: Candle, kline: Kline) -> Candle:
    """Return a candle revised to say that it lacks trades which the exchange counts."""
    return replace(
        candle,
        complete=False,
        expected_count=kline.trade_count,
        revision=candle.revision + 1,
    )
