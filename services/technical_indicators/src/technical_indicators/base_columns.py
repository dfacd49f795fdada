"""What the features of the book and the flow read of base candles, as columns of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from marketstream.columns import CONTEXT_COLUMNS, CandleColumns, Flags, Floats, Integers
from technical_indicators.base_row import STALE_US
from technical_indicators.microstructure import length_of_run
from technical_indicators.port import BASE_COLUMNS, COLUMNS
from technical_indicators.rolling import rows_back

type Level = tuple[Floats, Floats, Floats, Floats]
"""Bid, bid quantity, ask and ask quantity."""


class BaseColumns:
    """Base candles of one market in order of time; NaN is what is not known.

    What is known of a row is what `BaseRow` knows of it, by the same names.
    """

    def __init__(self, columns: Mapping[str, Floats]) -> None:
        self._columns = columns
        self.open_time_ms: Integers = columns["open_time_ms"].astype(np.int64)
        self.close_time_ms: Integers = columns["close_time_ms"].astype(np.int64)
        self.close = columns["close"]
        self.trades = columns["trade_count"]
        self.volume, self.quote_volume = columns["volume"], columns["quote_volume"]
        self.first_buy, self.first_sell = columns["first_buy"], columns["first_sell"]
        self.length_s = (self.close_time_ms - self.open_time_ms) / 1_000
        self.run = length_of_run(self.open_time_ms, self.close_time_ms)
        self._levels: dict[int, Level] = {}
        self._shared: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self.close)

    @cached_property
    def is_known(self) -> Flags:
        """Whether it is known who took how much."""
        return ~np.isnan(self.sells)

    @cached_property
    def buys(self) -> Floats:
        """What takers bought."""
        return self._columns["taker_buy_volume"]

    @cached_property
    def sells(self) -> Floats:
        """What takers sold."""
        return np.maximum(self.volume - self.buys, 0.0)

    @cached_property
    def root_buys(self) -> Floats:
        """The root of what takers bought."""
        return np.sqrt(self.buys)

    @cached_property
    def root_sells(self) -> Floats:
        """The root of what takers sold."""
        return np.sqrt(self.sells)

    @cached_property
    def signed_trades(self) -> Floats:
        """How many trades there were, below 0 where takers sold more, 0 where both did the same."""
        return np.sign(self.buys - self.sells) * self.trades

    @cached_property
    def mid(self) -> Floats:
        """The middle of the best prices."""
        return (self._columns["bid"] + self._columns["ask"]) / 2

    @cached_property
    def change(self) -> Floats:
        """By how much the mid has changed since the close before."""
        return np.where(self.run > 1, self.mid - rows_back(self.mid, 1), np.nan)

    @cached_property
    def quote(self) -> Level:
        """The best level of the quotes."""
        bid, bid_quantity = self._columns["bid"], self._columns["bid_quantity"]
        ask, ask_quantity = self._columns["ask"], self._columns["ask_quantity"]
        sane = (bid < ask) & (bid_quantity > 0) & (ask_quantity > 0)
        return _where(sane, (bid, bid_quantity, ask, ask_quantity))

    @cached_property
    def depth_age_us(self) -> Floats:
        """How old the levels are at the close."""
        return self.close_time_ms * 1_000.0 - self._columns["depth_time_us"]

    def level(self, number: int) -> Level:
        """Return a level of the book, the best one being 0."""
        if number not in self._levels:
            depth = self._columns["depth"]
            if number >= depth.shape[1]:
                nothing = np.full(len(self), np.nan)
                self._levels[number] = (nothing, nothing, nothing, nothing)
            else:
                bid, bid_quantity, ask, ask_quantity = depth[:, number].T
                level = (bid, bid_quantity, ask, ask_quantity)
                self._levels[number] = _where(self._sane & ~np.isnan(bid + ask), level)
        return self._levels[number]

    @cached_property
    def _sane(self) -> Flags:
        depth = self._columns["depth"]
        return (depth[:, 0, 0] < depth[:, 0, 2]) & (self.depth_age_us <= STALE_US)

    @cached_property
    def quote_flow(self) -> Floats:
        """The flow of the quotes since the close before."""
        return self._flow(self.quote)

    def flow(self, number: int) -> Floats:
        """Return the flow of a level since the close before, the best level being 0."""
        return self.shared(f"flow {number}", lambda: self._flow(self.level(number)))

    def told(self, name: str) -> Floats:
        """Return what was told of a perpetual by each close; `CONTEXT_COLUMNS` are the names."""
        return self._columns["context"][:, CONTEXT_COLUMNS.index(name)]

    def shared(self, name: str, make: Callable[[], Floats]) -> Floats:
        """Return what is made once for all the features that share it, under a name of its own."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def _flow(self, level: Level) -> Floats:
        bid, bid_quantity, ask, ask_quantity = level
        bid_before, bid_quantity_before, ask_before, ask_quantity_before = (
            rows_back(each, 1) for each in level
        )
        flow = (
            np.where(bid >= bid_before, bid_quantity, 0.0)
            - np.where(bid <= bid_before, bid_quantity_before, 0.0)
            - np.where(ask <= ask_before, ask_quantity, 0.0)
            + np.where(ask >= ask_before, ask_quantity_before, 0.0)
        )
        known = (self.run > 1) & ~np.isnan(bid) & ~np.isnan(bid_before)
        return np.where(known, flow, np.nan)


def base_columns_of(candles: CandleColumns) -> dict[str, Floats]:
    """Return all that indicators may read of base candles, by name."""
    rows = len(candles)
    columns = {
        name: candles.floats(name)
        for name in (*COLUMNS, *BASE_COLUMNS)
        if name not in ("open_time_ms", "close_time_ms", "depth", "depth_time_us", "context")
    }
    depth, time_us, context = candles.depth, candles.depth_time_us, candles.context
    nothing = np.full((rows, len(CONTEXT_COLUMNS)), np.nan)
    return columns | {
        "open_time_ms": candles.open_time_ms.astype(np.float64),
        "close_time_ms": candles.close_time_ms.astype(np.float64),
        "depth": np.full((rows, 1, 4), np.nan) if depth is None else depth,
        "depth_time_us": np.full(rows, np.nan) if time_us is None else time_us,
        "context": nothing if context is None else context,
    }


def _where(known: Flags, level: Level) -> Level:
    bid, bid_quantity, ask, ask_quantity = (np.where(known, each, np.nan) for each in level)
    return bid, bid_quantity, ask, ask_quantity
