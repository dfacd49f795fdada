"""The sums of one interval."""

from __future__ import annotations

_SUMS = frozenset({"volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"})


class Bar:
    """Prices as they came, sums in whole units (see `units`), ids, and whether any are missing."""

    __slots__ = (
        "close",
        "covered_us",
        "first_buy",
        "first_id",
        "first_sell",
        "high",
        "last_id",
        "low",
        "missing",
        "open",
        "quote_volume",
        "taker_buy_quote_volume",
        "taker_buy_volume",
        "trade_count",
        "volume",
    )

    def __init__(self) -> None:
        self.open = self.high = self.low = self.close = 0.0
        self.volume = self.quote_volume = 0
        self.taker_buy_volume = self.taker_buy_quote_volume = 0
        self.trade_count = 0
        self.first_id = self.last_id = -1
        self.first_buy: float | None = None
        self.first_sell: float | None = None
        self.missing = False
        self.covered_us = 0

    def merge(self, later: Bar) -> None:
        """Add a bar that follows on this one; a bar without trades adds its time only."""
        self.missing |= later.missing
        self.covered_us += later.covered_us
        if not later.trade_count:
            return
        if not self.trade_count:
            self.open, self.high, self.low = later.open, later.high, later.low
            self.first_id = later.first_id
        else:
            if later.high > self.high:
                self.high = later.high
            if later.low < self.low:
                self.low = later.low
        if self.first_buy is None:
            self.first_buy = later.first_buy
        if self.first_sell is None:
            self.first_sell = later.first_sell
        self.close = later.close
        self.last_id = later.last_id
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.taker_buy_volume += later.taker_buy_volume
        self.taker_buy_quote_volume += later.taker_buy_quote_volume
        self.trade_count += later.trade_count

    def rescale(self, price_factor: int, quantity_factor: int) -> None:
        """Express the sums in finer units."""
        self.volume *= quantity_factor
        self.taker_buy_volume *= quantity_factor
        self.quote_volume *= price_factor * quantity_factor
        self.taker_buy_quote_volume *= price_factor * quantity_factor

    def state(self) -> list[float | int | str]:
        """Return the fields in the order of `__slots__`; sums as text: they outgrow 64 bits."""
        return [
            str(getattr(self, name)) if name in _SUMS else getattr(self, name)
            for name in self.__slots__
        ]

    @classmethod
    def from_state(cls, state: list[float | int | str]) -> Bar:
        """Return the bar that `state` was taken of."""
        bar = cls()
        for name, value in zip(cls.__slots__, state, strict=True):
            setattr(bar, name, int(value) if name in _SUMS else value)
        return bar
