"""One hour of a seeded market: the quotes that show its hidden state and the trades on them.

A quote comes with each move of the quoted mid and at half of the other steps, about 27 a second in
all. The book's size is lognormal. The bid's share is `(1 + I) / 2` with `I = tanh(x + noise)`: x is
`imbalance` times the move that s1 and the residual foretell for 2 s, in units of sigma (x is of the
order of 0.8), and the noise lasts half a second. The spread is `spread_bps`, in one re-quote of
seven wider by an exponential of as much again. A taker buys, at the ask, with probability
`(1 + tanh(sides s2)) / 2`, and else sells at the bid.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from exchange_simulator.market.draws import Draws, Floats
from exchange_simulator.market.signals import (
    HOUR_US,
    STEP_US,
    STEPS,
    TAU_BOOK,
    Hidden,
    Signals,
    foretold,
    hidden_hour,
    remembered,
)
from exchange_simulator.market.tape import Integers, QuoteColumns, TradeColumns

_HIDDEN_HOURS_KEPT = 6
HOUR_SEQUENCES = 1 << 24  # more than an hour holds

_SHOWN_HORIZON_S = 2.0
_NOISE_SD = 0.15
_NOISE_TAU = 0.5
_SIZE_CHANGE = 0.5  # of the steps without a re-quote
_WIDER = 1 / 7
_BOOK_VALUE = 100_000.0  # median of both sides in quote units
_BOOK_SPREAD = 0.5  # of its logarithm
_TRADE_VALUE = 300.0
_TRADE_SPREAD = 1.5


class Market(NamedTuple):
    """What does not change from hour to hour.

    The hidden state is that of `behind`, shown so many steps later; `draws` are the market's own.
    """

    draws: Draws
    behind: Draws
    lag_steps: int
    signals: Signals
    spread_bps: float
    level: float
    price_decimals: int
    quantity_decimals: int
    trades_an_hour: int
    first_hour: int


class Block(NamedTuple):
    """An hour's trades and quotes, and the state behind them."""

    trades: TradeColumns
    quotes: QuoteColumns
    hidden: Hidden


def make_block(market: Market, hour: int) -> Block:
    """Return one hour of the market, made from nothing but its seed."""
    hidden = _shown(market, hour)
    trade_times_us = _trade_times(market, hour)
    quotes = _quotes(market, hour, hidden, trade_times_us)
    return Block(_trades(market, hour, hidden, trade_times_us, quotes), quotes, hidden)


# Several venues show one hidden market, and a late one shows two hours of it in one.
_hidden_hour = lru_cache(_HIDDEN_HOURS_KEPT)(hidden_hour)


def _shown(market: Market, hour: int) -> Hidden:
    """Return the hidden state at each step of an hour, as late as the market shows it."""
    now, lag = _hidden_hour(market.behind, hour, market.signals), market.lag_steps
    if not lag:
        return now
    before = _hidden_hour(market.behind, hour - 1, market.signals)
    return Hidden(
        *(np.concatenate((old[-lag:], new[:-lag])) for old, new in zip(before, now, strict=True))
    )


def _trade_times(market: Market, hour: int) -> Integers:
    """Return times as sorted uniforms fall, in whole milliseconds as exchanges report them."""
    gaps = market.draws.generator("times", hour).exponential(size=market.trades_an_hour + 1)
    elapsed = np.cumsum(gaps)
    inside_ms: Integers = (elapsed[:-1] * (HOUR_US / 1_000 / elapsed[-1])).astype(np.int64)
    return hour * HOUR_US + inside_ms * 1_000


def _sequence(market: Market, hour: int, others: Integers) -> Integers:
    """Return the places of rows that each have so many rows of the other kind before them."""
    return (hour - market.first_hour) * HOUR_SEQUENCES + np.arange(len(others)) + others


def _lots(market: Market, value: float) -> float:
    return float(value / market.level * 10**market.quantity_decimals)


def _quotes(market: Market, hour: int, hidden: Hidden, trade_times_us: Integers) -> QuoteColumns:
    random = market.draws.generator("quotes", hour)
    requoted = np.diff(hidden.quoted, prepend=-np.inf) != 0
    shown = np.flatnonzero(requoted | (random.random(STEPS) < _SIZE_CHANGE))
    jitter = random.integers(0, STEP_US, STEPS)
    jitter[0] = 0  # an hour opens with a quote, so that each is whole without the one before
    ticks = np.exp(hidden.quoted) * 10**market.price_decimals
    wider = np.where(random.random(STEPS) < _WIDER, random.exponential(size=STEPS), 0.0)
    spread = np.maximum(1, np.rint(ticks * market.spread_bps * 1e-4 * (1 + wider)))
    bid = np.rint(ticks - spread / 2)
    lasting = np.maximum.accumulate(np.where(requoted, np.arange(STEPS), 0))[shown]
    bid_quantity, ask_quantity = _sizes(market, hour, hidden)
    time_us = hour * HOUR_US + shown * STEP_US + jitter[shown]
    return QuoteColumns(
        update_id=(hour - market.first_hour) * STEPS + shown,
        time_us=time_us,
        bid=bid[lasting].astype(np.int64),
        bid_quantity=bid_quantity[shown],
        ask=(bid + spread)[lasting].astype(np.int64),
        ask_quantity=ask_quantity[shown],
        sequence=_sequence(market, hour, np.searchsorted(trade_times_us, time_us)),
    )


def _sizes(market: Market, hour: int, hidden: Hidden) -> tuple[Integers, Integers]:
    """Return the sizes at bid and ask at every step, in lots."""
    draws, signals = market.draws, market.signals
    ahead = signals.book * foretold(TAU_BOOK, _SHOWN_HORIZON_S) * hidden.book
    ahead += (hidden.mid - hidden.quoted) / signals.sigma
    noise = _NOISE_SD * remembered(draws, "imbalance", hour, _NOISE_TAU)
    bid_share = (1 + np.tanh(signals.imbalance * ahead + noise)) / 2
    random = draws.generator("depth", hour)
    depth = _lots(market, _BOOK_VALUE) * random.lognormal(0.0, _BOOK_SPREAD, STEPS)
    return _whole_lots(depth * bid_share), _whole_lots(depth * (1 - bid_share))


def _trades(
    market: Market, hour: int, hidden: Hidden, time_us: Integers, quotes: QuoteColumns
) -> TradeColumns:
    count = market.trades_an_hour
    random = market.draws.generator("trades", hour)
    flow = hidden.flow[(time_us - hour * HOUR_US) // STEP_US]
    buys = random.random(count) < (1 + np.tanh(market.signals.sides * flow)) / 2
    size = _lots(market, _TRADE_VALUE) * random.lognormal(0.0, _TRADE_SPREAD, count)
    quoted = np.searchsorted(quotes.time_us, time_us, side="right")
    return TradeColumns(
        id=(hour - market.first_hour) * count + np.arange(count),
        time_us=time_us,
        price=np.where(buys, quotes.ask[quoted - 1], quotes.bid[quoted - 1]),
        quantity=_whole_lots(size),
        buyer_is_maker=~buys,
        sequence=_sequence(market, hour, quoted),
    )


def _whole_lots(lots: Floats) -> Integers:
    return np.maximum(1, np.rint(lots)).astype(np.int64)
