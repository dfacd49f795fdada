"""What the features of the book and the flow read of a base candle, one as it closes."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from marketstream.columns import Floats
from marketstream.messages import Candle, Depth

STALE_US = 10_000_000
"""Levels that are older at a close are not known as of it."""

type Best = tuple[float, float, float, float]
"""Bid, bid quantity, ask and ask quantity of a level."""

type Flow = tuple[float, float, float]
"""The flow of a level, and the sums of it and of its size over this level and those before it."""


class Sides[Number: float | Floats](NamedTuple):
    """Quantities of the best levels, what they are worth, the last level's prices, and the mid."""

    bid_quantity: Number
    ask_quantity: Number
    bid_value: Number
    ask_value: Number
    last_bid: Number
    last_ask: Number
    mid: Number


class BaseRow:
    """A closed base candle; None is what is not known.

    What was traded is not known, and NaN, where nobody says who took, or how much: `is_known` says.
    `quote` is the best level of the quotes, `depth` the levels: neither where bid and ask cross,
    and no levels that are older than ten seconds. `quote_flow` and `flows` say what has come to the
    bid and gone from the ask since the close before, of the quotes and of each level, `change` by
    how much the mid has changed. `context` is what was told of a perpetual, however old. `sides`
    keeps the sums of levels that have been asked for.
    """

    __slots__ = (
        "buys", "change", "close", "close_time_ms", "context", "depth", "depth_age_us",
        "first_buy", "first_sell", "flows", "is_known", "length_s", "mid", "open_time_ms", "quote",
        "quote_flow", "quote_volume", "root_buys", "root_sells", "sells", "sides",
        "signed_trades", "trades", "volume",
    )  # fmt: skip

    def __init__(self, candle: Candle, previous: BaseRow | None) -> None:
        self.open_time_ms = candle.open_time_ms
        self.close_time_ms = candle.close_time_ms
        self.close = candle.close
        self.trades = float(candle.trade_count)
        self.length_s = (candle.close_time_ms - candle.open_time_ms) / 1_000
        self.volume, self.quote_volume = candle.volume, candle.quote_volume
        self.buys = candle.taker_buy_volume
        self.sells = self.volume - self.buys
        self.is_known = self.sells == self.sells
        if self.sells < 0:
            self.sells = 0.0
        self.root_buys, self.root_sells = sqrt(self.buys), sqrt(self.sells)
        self.signed_trades = self.trades if self.buys > self.sells else -self.trades
        if self.buys == self.sells:
            self.signed_trades = 0.0
        self.first_buy, self.first_sell = candle.first_buy, candle.first_sell
        self.mid = candle.mid
        self.quote = _best(candle)
        self.depth_age_us: int | None = None
        self.depth: Depth | None = None
        if candle.depth is not None:
            self.depth_age_us = candle.close_time_ms * 1_000 - candle.depth.time_us
            self.depth = _sane(candle.depth, self.depth_age_us)
        self.context = candle.context
        self.quote_flow: float | None = None
        self.flows: tuple[Flow, ...] = ()
        self.sides: dict[int, Sides[float] | None] = {}
        self.change: float | None = None
        if previous is not None:
            if self.mid is not None and previous.mid is not None:
                self.change = self.mid - previous.mid
            if self.quote is not None and previous.quote is not None:
                self.quote_flow = flow(previous.quote, self.quote)
            if self.depth is not None and previous.depth is not None:
                self.flows = _flows(previous.depth, self.depth)


def flow(before: Best, now: Best) -> float:
    """Return what came to the bid and went from the ask between two books, less the opposite.

    R. Cont, A. Kukanov and S. Stoikov, "The Price Impact of Order Book Events", Journal of
    Financial Econometrics 12 (2014), p. 47-88: 1[b >= b'] B - 1[b <= b'] B' - 1[a <= a'] A
    + 1[a >= a'] A', in base units.
    """
    bid_before, bid_quantity_before, ask_before, ask_quantity_before = before
    bid, bid_quantity, ask, ask_quantity = now
    return (
        (bid_quantity if bid >= bid_before else 0.0)
        - (bid_quantity_before if bid <= bid_before else 0.0)
        - (ask_quantity if ask <= ask_before else 0.0)
        + (ask_quantity_before if ask >= ask_before else 0.0)
    )


def _flows(before: Depth, now: Depth) -> tuple[Flow, ...]:
    """Return the flow of each level that both have on both sides, the best first."""
    flows = []
    summed = size = 0.0
    for bid_before, ask_before, bid, ask in zip(
        before.bids, before.asks, now.bids, now.asks, strict=False
    ):
        of_level = flow((*bid_before, *ask_before), (*bid, *ask))
        summed += of_level
        size += abs(of_level)
        flows.append((of_level, summed, size))
    return tuple(flows)


def _best(candle: Candle) -> Best | None:
    bid, ask = candle.bid, candle.ask
    bid_quantity, ask_quantity = candle.bid_quantity, candle.ask_quantity
    if bid is None or ask is None or bid_quantity is None or ask_quantity is None:
        return None
    if bid < ask and bid_quantity > 0 and ask_quantity > 0:
        return bid, bid_quantity, ask, ask_quantity
    return None


def _sane(depth: Depth, age_us: int) -> Depth | None:
    crossed = not depth.is_known or depth.bids[0][0] >= depth.asks[0][0]
    return None if crossed or age_us > STALE_US else depth
