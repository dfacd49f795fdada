"""A market made from a seed: any hour of it, past included, alone and always the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np

from exchange_simulator.market import anchors
from exchange_simulator.market.blocks import Block, Market, make_block
from exchange_simulator.market.draws import Draws, Floats
from exchange_simulator.market.signals import HOUR_US, NO_SIGNALS, SIGNALS, STEP_US, STEPS, Hidden
from exchange_simulator.market.tape import Integers, QuoteColumns, TradeColumns
from marketstream.errors import SettingsError
from marketstream.symbols import parse_symbol

FIRST_HOUR = 412_008  # 2017-01-01 00:00 UTC, where ids begin

_MOST_TRADES_PER_SECOND = 4_000.0  # more than one market of any exchange sees
_LONGEST_LAG_MS = 60_000
_DOLLARS = ("USD", "USDT", "USDC")
_BLOCKS_KEPT = 3  # an hour and its neighbours


class SeededMarket:
    """A tape without end from 2017 on, the same for the same symbol, seed and settings.

    Of one hidden market several `venue`s show each its own trades, books and noise, `lag_ms` later
    than it moves (a multiple of 20 up to a minute); Binance's, which needs no venue, shows it as it
    moves. It can be predicted as far as `exchange_simulator.market.ceiling` says. The control is
    `SeededMarket(symbol, seed, signals=False, spread_bps=5)`: a random walk with a spread, whose
    mid nothing foretells. Whatever the trade rate and the spread, a seed has one efficient price.
    """

    def __init__(
        self,
        symbol: str,
        seed: int,
        *,
        trades_per_second: float = 50.0,
        signals: bool = True,
        spread_bps: float = 0.3,
        venue: str | None = None,
        lag_ms: int = 0,
    ) -> None:
        if not 0.001 <= trades_per_second <= _MOST_TRADES_PER_SECOND:
            raise SettingsError(
                f"{trades_per_second} trades per second:"
                f" choose from 0.001 to {_MOST_TRADES_PER_SECOND:g}"
            )
        if not 0 <= spread_bps <= 1_000:
            raise SettingsError(f"a spread of {spread_bps} bps: choose from 0 to 1000")
        if not 0 <= lag_ms <= _LONGEST_LAG_MS or lag_ms * 1_000 % STEP_US:
            raise SettingsError(
                f"a lag of {lag_ms} ms: choose a multiple of {STEP_US // 1_000} ms up to"
                f" {_LONGEST_LAG_MS}"
            )
        self.symbol = parse_symbol(symbol)
        self.lag_ms = lag_ms
        if venue is None:
            draws = behind = Draws(seed, self.symbol)
        else:
            draws = Draws(seed, f"{venue}:{self.symbol}")
            behind = Draws(seed, _hidden_symbol(self.symbol))
        level = anchors.level(behind)
        self.price_decimals = max(2, 5 - math.floor(math.log10(level)))  # a tick is at most 0.1 bp
        self.quantity_decimals = max(0, math.ceil(math.log10(level)))  # a lot is worth 0.1 to 1
        self.start_us: int | None = FIRST_HOUR * HOUR_US
        self.end_us: int | None = None
        self.signals = SIGNALS if signals else NO_SIGNALS
        self._trades_an_hour = round(3_600 * trades_per_second)
        market = Market(
            draws=draws,
            behind=behind,
            lag_steps=lag_ms * 1_000 // STEP_US,
            signals=self.signals,
            spread_bps=spread_bps,
            level=level,
            price_decimals=self.price_decimals,
            quantity_decimals=self.quantity_decimals,
            trades_an_hour=self._trades_an_hour,
            first_hour=FIRST_HOUR,
        )
        self._block: Callable[[int], Block] = lru_cache(_BLOCKS_KEPT)(partial(make_block, market))

    def trades(self, from_us: int, to_us: int) -> TradeColumns:
        """Return the trades of a half-open range of time."""
        parts = []
        for hour in _hours(from_us, to_us):
            trades = self._block(hour).trades
            inside = slice(*np.searchsorted(trades.time_us, (from_us, to_us)))
            parts.append(TradeColumns._make(column[inside] for column in trades))
        return _joined_trades(parts)

    def quotes(self, from_us: int, to_us: int) -> QuoteColumns:
        """Return the quotes of a half-open range of time."""
        parts = []
        for hour in _hours(from_us, to_us):
            quotes = self._block(hour).quotes
            inside = slice(*np.searchsorted(quotes.time_us, (from_us, to_us)))
            parts.append(QuoteColumns._make(column[inside] for column in quotes))
        return _joined_quotes(parts)

    def trades_from_id(self, first_id: int, limit: int, before_us: int) -> TradeColumns:
        """Return up to `limit` trades from id `first_id` on that happened before `before_us`."""
        parts = []
        hour, begin = divmod(max(0, first_id), self._trades_an_hour)
        hour += FIRST_HOUR
        while limit > 0 and hour * HOUR_US < before_us:
            trades = self._block(hour).trades
            end = min(begin + limit, int(np.searchsorted(trades.time_us, before_us)))
            parts.append(TradeColumns._make(column[begin:end] for column in trades))
            limit -= self._trades_an_hour - begin
            hour, begin = hour + 1, 0
        return _joined_trades(parts)

    def quote_at(self, time_us: int) -> QuoteColumns:
        """Return the newest quote at or before `time_us`; none before the market's start."""
        hour = time_us // HOUR_US
        if hour < FIRST_HOUR:
            return _joined_quotes([])
        quotes = self._block(hour).quotes  # never empty: an hour opens with a quote
        newest = int(np.searchsorted(quotes.time_us, time_us, side="right"))
        return QuoteColumns._make(column[newest - 1 : newest] for column in quotes)

    def mids_before(self, times_us: Integers) -> Floats:
        """Return the quoted mids, in quote units, as of the last quote before each time."""
        mids = np.empty(len(times_us))
        for hour, rows in _rows_by_hour((times_us - 1) // HOUR_US):
            quotes = self._block(hour).quotes
            last = np.searchsorted(quotes.time_us, times_us[rows]) - 1
            mids[rows] = (quotes.bid[last] + quotes.ask[last]) / (2 * 10**self.price_decimals)
        return mids

    def hidden_before(self, times_us: Integers) -> Hidden:
        """Return the hidden state that the quotes just before each time were made from."""
        steps = -(-times_us // STEP_US) - 1
        found = np.empty((len(Hidden._fields), len(times_us)))
        for hour, rows in _rows_by_hour(steps // STEPS):
            found[:, rows] = self._block(hour).hidden.at(steps[rows] % STEPS)
        return Hidden(*found)


def _hidden_symbol(symbol: str) -> str:
    """Return the symbol whose market hides behind this one: dollars are all the same to it."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    return f"{base}/{'USDT' if quote in _DOLLARS else quote}"


def _hours(from_us: int, to_us: int) -> range:
    """Return the hours that a half-open range of time touches, from the market's first on."""
    if from_us >= to_us:
        return range(0)
    return range(max(FIRST_HOUR, from_us // HOUR_US), -(-to_us // HOUR_US))


def _rows_by_hour(hours: Integers) -> Iterator[tuple[int, Integers]]:
    for hour in np.unique(hours).tolist():
        yield hour, np.flatnonzero(hours == hour)


def _joined_trades(parts: list[TradeColumns]) -> TradeColumns:
    empty = np.empty(0, np.int64)
    parts = [TradeColumns(empty, empty, empty, empty, np.empty(0, np.bool_), empty), *parts]
    return TradeColumns._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _joined_quotes(parts: list[QuoteColumns]) -> QuoteColumns:
    parts = [QuoteColumns._make(np.empty(0, np.int64) for _ in QuoteColumns._fields), *parts]
    return QuoteColumns._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
