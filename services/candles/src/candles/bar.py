"""The sums of one interval."""

from __future__ import annotations

from typing import Any

_SUMS = frozenset({"volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"})

type Point = tuple[int, int, float]
"""A trade's time in µs, id and price: points come in the order in which trades happened."""


class Bar:
    """Prices as they came, sums in whole units (see `units`), ids, and whether any were repaired.

    Bars of one interval can be merged in any order: `opened` and `closed` are its first and last
    trades by time and then id, `bought` and `sold` its first ones of each taker.
    """

    __slots__ = (
        "bought",
        "closed",
        "filled",
        "first_id",
        "high",
        "last_id",
        "low",
        "opened",
        "quote_volume",
        "sold",
        "taker_buy_quote_volume",
        "taker_buy_volume",
        "trade_count",
        "volume",
    )

    def __init__(self) -> None:
        self.opened: Point | None = None
        self.closed: Point | None = None
        self.bought: Point | None = None
        self.sold: Point | None = None
        self.high = self.low = 0.0
        self.volume = self.quote_volume = 0
        self.taker_buy_volume = self.taker_buy_quote_volume = 0
        self.trade_count = 0
        self.first_id = self.last_id = -1
        self.filled = False

    def merge(self, other: Bar) -> None:
        """Add the trades of another bar."""
        if not other.trade_count:
            return
        if self.trade_count:
            self.high, self.low = max(self.high, other.high), min(self.low, other.low)
            self.first_id = min(self.first_id, other.first_id)
            self.last_id = max(self.last_id, other.last_id)
        else:
            self.high, self.low = other.high, other.low
            self.first_id, self.last_id = other.first_id, other.last_id
        self.opened = _earlier(self.opened, other.opened)
        self.bought = _earlier(self.bought, other.bought)
        self.sold = _earlier(self.sold, other.sold)
        self.closed = later(self.closed, other.closed)
        self.volume += other.volume
        self.quote_volume += other.quote_volume
        self.taker_buy_volume += other.taker_buy_volume
        self.taker_buy_quote_volume += other.taker_buy_quote_volume
        self.trade_count += other.trade_count
        self.filled |= other.filled

    def rescale(self, price_factor: int, quantity_factor: int) -> None:
        """Express the sums in finer units."""
        self.volume *= quantity_factor
        self.taker_buy_volume *= quantity_factor
        self.quote_volume *= price_factor * quantity_factor
        self.taker_buy_quote_volume *= price_factor * quantity_factor

    def state(self) -> list[Any]:
        """Return the fields in the order of `__slots__`; sums as text: they outgrow 64 bits."""
        return [
            str(getattr(self, name)) if name in _SUMS else getattr(self, name)
            for name in self.__slots__
        ]

    @classmethod
    def from_state(cls, state: list[Any]) -> Bar:
        """Return the bar that `state` was taken of."""
        bar = cls()
        for name, value in zip(cls.__slots__, state, strict=True):
            if name in _SUMS:
                value = int(value)
            elif isinstance(value, list):
                value = tuple(value)
            setattr(bar, name, value)
        return bar


def later(one: Point | None, other: Point | None) -> Point | None:
    """Return the point that happened later; None is before all."""
    if one is None or other is None:
        return one or other
    return max(one, other)


def _earlier(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
