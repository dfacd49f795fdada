"""What a market shows to those that look at it, one base close after the other."""

from __future__ import annotations

from math import log
from typing import NamedTuple

from marketstream.messages import Candle, Context
from technical_indicators.microstructure import imbalance_at

SILENT_S = 10.0
"""A leader of which nothing has been heard for longer is silent, and says nothing."""


class LeaderRow:
    """A closed base candle as others see it; None is what is not known, NaN an unknown volume.

    `quote` is the best prices and sizes, `signed` what takers bought less what they sold.
    `quiet` is how many closes ago something was traded or the best prices changed, None where that
    was before all that has been seen; `quiet_s` is the same in seconds. `context` is what was told
    of it as of the close, where it is a perpetual.
    """

    __slots__ = ("close_time_ms", "context", "imbalance", "mid", "quiet", "quiet_s", "quote",
                 "signed", "volume")  # fmt: skip

    def __init__(self, candle: Candle, previous: LeaderRow | None) -> None:
        self.close_time_ms = candle.close_time_ms
        self.context: Context | None = candle.context
        self.mid = candle.mid
        self.volume = candle.volume
        self.signed = 2 * candle.taker_buy_volume - candle.volume
        self.quote = (candle.bid, candle.bid_quantity, candle.ask, candle.ask_quantity)
        self.imbalance = imbalance_at(candle.bid_quantity, candle.ask_quantity)
        if previous is not None and previous.close_time_ms != candle.open_time_ms:
            previous = None
        self.quiet: int | None = None
        if candle.trade_count or (previous is not None and previous.quote != self.quote):
            self.quiet = 0
        elif previous is not None and previous.quiet is not None:
            self.quiet = previous.quiet + 1
        length_s = (candle.close_time_ms - candle.open_time_ms) / 1_000
        self.quiet_s = None if self.quiet is None else self.quiet * length_s

    @property
    def is_silent(self) -> bool:
        """Whether nothing has been heard for too long."""
        return self.quiet_s is None or self.quiet_s > SILENT_S


class Pair(NamedTuple):
    """A market's mid and its leader as of one close."""

    mid: float | None
    leader: LeaderRow

    @property
    def basis(self) -> float | None:
        """The log of the leader's mid less that of the market's own."""
        mid, leading = self.mid, self.leader.mid
        return None if mid is None or leading is None else log(leading) - log(mid)
