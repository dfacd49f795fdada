"""What a message may say at all: times, numbers and words that those who read it can take.

A message may be as its schema says and yet be poison: a time decades off makes candles without end,
an integer of 30 digits is no key of a database, a price of 1e300 overflows in the first sum. What
is unusual within these bounds is judged by who knows the market.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from marketstream.errors import BadMessage
from marketstream.messages import Candle, Context, Depth, Gap, Quote, Trades

_DAY_US = 86_400_000_000
_MOST_AHEAD_US = 7 * _DAY_US  # the next funding; most venues have one in eight hours
_EARLIEST_US = 1_230_768_000_000_000  # 2009: before it nothing was traded
_LEAST, _MOST = 1e-18, 1e18  # a price or quantity: all that sums in whole units can be kept of
_MOST_OF_A_SUM = 1e36
_MOST_OF_AN_ID = 2**63 - 1
_MOST_EPOCHS = 2**31
_MOST_FILLS = 100_000  # of one taker at one price, which an aggregate stands for
_MOST_IDS = 10**12  # that a gap spans, or one candle should have
_MOST_LEVELS = 1_000
_MOST_MS = 366 * 86_400_000
_MOST_TEXT = 10_000
_MOST_RATE = 1.0  # of a funding: venues have bounds of a few percent

_TIMES_US = frozenset(
    ("since_us", "until_us", "seen_until_us", "proven_until_us", "received_us", "time_us")
)
_TIMES_MS = frozenset(
    ("open_time_ms", "close_time_ms", "trained_at_ms", "made_at_ms", "from_ms", "to_ms")
)
_COUNTS = frozenset(
    (
        "trade_count", "expected_count", "late_count", "revision", "rows", "compared", "equal",
        "incomplete", "predictions", "epoch", "first_id", "end_id", "first_trade_id",
        "last_trade_id",
    )
)  # fmt: skip
_POSITIVE = frozenset(("open", "high", "close", "mid", "realised_mid", "predicted_price"))


def check(message: Any, now_us: int, trades_until_us: int | None = None) -> None:
    """Raise BadMessage where a message says what cannot be; `now_us` is the runner's clock.

    Times reach from 2009 to a day from now, of candles to two; of trades to `trades_until_us`
    where that is given and sooner.
    """
    if type(message) is Trades:
        latest_us = now_us + _DAY_US
        _check_trades(message, min(latest_us, trades_until_us or latest_us))
        return
    _check_fields(message, now_us)
    if type(message) is Candle:
        _check_candle(message, now_us)
    elif type(message) is Gap:
        _check_gap(message)


def _check_trades(message: Trades, latest_us: int) -> None:
    for trade in message.trades:
        if not _EARLIEST_US <= trade.time_us <= latest_us:
            raise _bad_time(f"trade {trade.id}", trade.time_us)
        if not (_LEAST <= trade.price <= _MOST and _LEAST <= trade.quantity <= _MOST):
            raise BadMessage(
                f"trade {trade.id}: price {trade.price} and quantity {trade.quantity} have to be "
                f"positive numbers, from {_LEAST:g} to {_MOST:g}"
            )
        if not 0 < trade.count <= trade.id + 1 <= _MOST_OF_AN_ID:
            raise BadMessage(
                f"trade {trade.id} of {trade.count} fills: no such number can end with an id of "
                "63 bits at most"
            )
        if trade.count > _MOST_FILLS:
            raise BadMessage(f"trade {trade.id} of {trade.count} fills: over {_MOST_FILLS:,}")
    _check_quote(message.quote, latest_us)
    _check_depth(message.depth, latest_us)
    _check_context(message.context, latest_us)
    if not _EARLIEST_US <= message.seen_until_us <= latest_us:
        raise _bad_time("seen_until_us", message.seen_until_us)
    proven_us = message.proven_until_us
    if proven_us is not None and not _EARLIEST_US <= proven_us <= latest_us:
        raise _bad_time("proven_until_us", proven_us)
    if not (0 <= message.price_decimals <= 30 and 0 <= message.quantity_decimals <= 30):
        raise BadMessage(
            f"decimals {message.price_decimals} and {message.quantity_decimals} are not 0 to 30"
        )
    if not 0 <= message.epoch <= _MOST_EPOCHS:
        raise BadMessage(f"epoch {message.epoch} is not 0 to {_MOST_EPOCHS:,}")
    if not 0 <= message.spread_us <= _DAY_US:
        raise BadMessage(f"spread_us {message.spread_us} is not 0 to a day")


def _check_quote(quote: Quote | None, latest_us: int) -> None:
    if quote is None:
        return
    numbers = (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity)
    if not all(0.0 <= number <= _MOST for number in numbers):
        raise BadMessage(f"a quote of {numbers}: they have to be numbers up to {_MOST:g}")
    if not _EARLIEST_US <= quote.time_us <= latest_us:
        raise _bad_time("a quote", quote.time_us)


def _check_depth(depth: Depth | None, latest_us: int) -> None:
    if depth is None:
        return
    if not _EARLIEST_US <= depth.time_us <= latest_us:
        raise _bad_time("a book", depth.time_us)
    if max(len(depth.bids), len(depth.asks)) > _MOST_LEVELS:
        raise BadMessage(f"a book has more than {_MOST_LEVELS:,} levels a side")
    for price, quantity in (*depth.bids, *depth.asks):
        if not (_LEAST <= price <= _MOST and _LEAST <= quantity <= _MOST):
            raise BadMessage(
                f"a level of {quantity} at {price}: they have to be positive numbers, from "
                f"{_LEAST:g} to {_MOST:g}"
            )


def _check_candle(candle: Candle, now_us: int) -> None:
    if candle.open_time_ms >= candle.close_time_ms:
        raise BadMessage(f"a candle opens at {candle.open_time_ms} ms, when it closes or later")
    if not candle.low <= candle.high or candle.low <= 0.0:
        raise BadMessage(f"a candle of {candle.low} to {candle.high}: it has no such prices")
    _check_depth(candle.depth, now_us + 2 * _DAY_US)
    _check_context(candle.context, now_us + _DAY_US)


def _check_gap(gap: Gap) -> None:
    if not 0 <= gap.end_id - gap.first_id <= _MOST_IDS:
        raise BadMessage(
            f"a gap of ids {gap.first_id} to {gap.end_id}: they are not 0 to {_MOST_IDS:g} in a row"
        )


def _check_context(context: Context | None, latest_us: int) -> None:
    if context is None:
        return
    times = [context.time_us]
    for price in (context.mark, context.index):
        if price is not None:
            if not _LEAST <= price.value <= _MOST:
                raise BadMessage(f"a mark or index price of {price.value}: it has to be positive")
            times.append(price.time_us)
    funding, open_interest = context.funding, context.open_interest
    if funding is not None:
        if not -_MOST_RATE <= funding.rate <= _MOST_RATE:
            raise BadMessage(f"a funding rate of {funding.rate}: it has to be from -1 to 1")
        times.append(funding.time_us)
        next_us = funding.next_us
        if next_us is not None and not _EARLIEST_US <= next_us <= latest_us + _MOST_AHEAD_US:
            raise _bad_time("the next funding", next_us)
    if open_interest is not None:
        if not 0.0 <= open_interest.value <= _MOST:
            raise BadMessage(f"an open interest of {open_interest.value}: it cannot be below 0")
        times.append(open_interest.time_us)
    sums = context.liquidations
    if sums is not None:
        if not (0.0 <= sums.bought <= _MOST and 0.0 <= sums.sold <= _MOST):
            raise BadMessage(
                f"liquidations of {sums.bought} and {sums.sold}: they have to be 0 or more"
            )
        times += (sums.since_us, sums.time_us)
    for time_us in times:
        if not _EARLIEST_US <= time_us <= latest_us:
            raise _bad_time("context", time_us)


def _check_fields(struct: Any, now_us: int) -> None:
    for name in struct.__struct_fields__:
        _check_value(name, getattr(struct, name), now_us)


def _check_value(name: str, value: Any, now_us: int) -> None:
    kind = type(value)
    if kind is float:
        if not isfinite(value) or abs(value) > _MOST_OF_A_SUM:
            raise BadMessage(f"{name} {value} is no number up to {_MOST_OF_A_SUM:g}")
        if value <= 0.0 and name in _POSITIVE:
            raise BadMessage(f"{name} {value} has to be positive")
    elif kind is int:
        _check_whole(name, value, now_us)
    elif kind is str:
        if len(value) > _MOST_TEXT or "\0" in value:
            raise BadMessage(f"{name} is no word: it has {len(value):,} characters, or a NUL")
    elif kind is dict:
        for key, each in value.items():
            _check_value("a name", key, now_us)
            _check_value(str(key), each, now_us)
    elif kind in (tuple, list):
        for each in value:
            _check_value(name, each, now_us)
    elif isinstance(value, msgspec.Struct):
        _check_fields(value, now_us)


def _check_whole(name: str, value: int, now_us: int) -> None:
    if not -_MOST_OF_AN_ID <= value <= _MOST_OF_AN_ID:
        raise BadMessage(f"{name} {value} has more than 63 bits")
    if name in _COUNTS and value < 0:
        raise BadMessage(f"{name} {value} is less than 0")
    if name == "expected_count" and value > _MOST_IDS:
        raise BadMessage(f"{name} {value} is more than {_MOST_IDS:g}")
    if name == "epoch" and value > _MOST_EPOCHS:
        raise BadMessage(f"{name} {value} is more than {_MOST_EPOCHS:,}")
    if name == "horizon_ms" and not 0 <= value <= _MOST_MS:
        raise BadMessage(f"{name} {value} is not 0 to a year")
    if name in _TIMES_US and not _EARLIEST_US <= value <= now_us + _DAY_US:
        raise _bad_time(name, value)
    if name in _TIMES_MS and not _EARLIEST_US <= value * 1_000 <= now_us + 2 * _DAY_US:
        raise _bad_time(name, value * 1_000)


def _bad_time(what: str, time_us: int) -> BadMessage:
    return BadMessage(f"{what} is of {time_us} us: not between 2009 and a day from now")
