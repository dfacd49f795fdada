"""The loop in which trades are added up: it is run for every trade, hence the local names."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

from candles.bar import Bar
from candles.units import to_units
from marketstream.messages import Trade

_TO_WHOLE = 1.5 * 2.0**52
"""Added and taken away again, it rounds a float below `_EXACT` to the nearest whole number."""

_EXACT = 2.0**51
"""Sums of whole numbers that are less are exact as floats, and so was each on the way."""


def fold(
    bar: Bar,
    trades: Sequence[Trade],
    at: int,
    *,
    last_id: int,
    last_us: int,
    end_us: int,
    price_decimals: int,
    quantity_decimals: int,
) -> int:
    """Add trades to a bar, from a position on, while they are as usual; return where that ends.

    Usual is a trade before `end_us` that follows on the one before by its id, and not before it in
    time (`last_id` and `last_us` are what the first one follows on), with a price and a quantity of
    so many decimals at most.
    """
    price_scale, quantity_scale = float(10**price_decimals), float(10**quantity_decimals)
    before_id, close, price_units = last_id, nan, nan
    high, low = (bar.high, bar.low) if bar.trade_count else (-inf, inf)
    first_bought, first_sold = bar.bought, bar.sold
    bought = bought_quote = sold = sold_quote = 0.0  # in whole units
    position = at
    for trade in trades[at:]:
        trade_id, time_us = trade.id, trade.time_us
        if trade_id != last_id + trade.count or not last_us <= time_us < end_us:
            break
        price, quantity = trade.price, trade.quantity
        quantity_units = quantity * quantity_scale + _TO_WHOLE - _TO_WHOLE
        if quantity_units / quantity_scale != quantity or quantity_units >= _EXACT:
            exact = to_units(quantity, quantity_decimals)
            if exact is None:
                break
            quantity_units = float(exact)
        if price != close:  # else it is that of the trade before
            price_units = price * price_scale + _TO_WHOLE - _TO_WHOLE
            if price_units / price_scale != price or price_units >= _EXACT:
                exact = to_units(price, price_decimals)
                if exact is None:
                    break
                price_units = float(exact)
            if price > high:
                high = price
            if price < low:
                low = price
            close = price
        last_id, last_us = trade_id, time_us
        if trade.taker == "buy":
            bought += quantity_units
            bought_quote += price_units * quantity_units
            if first_bought is None:
                first_bought = (time_us, trade_id, price)
        else:
            sold += quantity_units
            sold_quote += price_units * quantity_units
            if first_sold is None:
                first_sold = (time_us, trade_id, price)
        position += 1
    if position > at:
        if not bar.trade_count:
            first = trades[at]
            bar.opened, bar.first_id = (first.time_us, first.id, first.price), before_id + 1
        bar.trade_count += last_id - before_id
        bar.high, bar.low = high, low
        bar.bought, bar.sold = first_bought, first_sold
        bar.closed, bar.last_id = (last_us, last_id, close), last_id
        sums: tuple[float, float, float, float] = bought, bought_quote, sold, sold_quote
        if bought + sold >= _EXACT or bought_quote + sold_quote >= _EXACT:
            sums = _sums(trades[at:position], price_decimals, quantity_decimals)
        bar.volume += int(sums[0]) + int(sums[2])
        bar.quote_volume += int(sums[1]) + int(sums[3])
        bar.taker_buy_volume += int(sums[0])
        bar.taker_buy_quote_volume += int(sums[1])
    return position


def _sums(
    trades: Sequence[Trade], price_decimals: int, quantity_decimals: int
) -> tuple[int, int, int, int]:
    """Return what was bought and sold, each in base and quote units, of any size."""
    sums = {"buy": (0, 0), "sell": (0, 0)}
    for trade in trades:
        price_units = to_units(trade.price, price_decimals)
        quantity_units = to_units(trade.quantity, quantity_decimals)
        assert price_units is not None
        assert quantity_units is not None
        base, quote = sums[trade.taker]
        sums[trade.taker] = base + quantity_units, quote + price_units * quantity_units
    return *sums["buy"], *sums["sell"]


def bar_of(trade: Trade, price_decimals: int, quantity_decimals: int) -> Bar:
    """Return the bar of one trade, whose price and quantity have so many decimals at most."""
    bar = Bar()
    fold(
        bar, (trade,), 0,
        last_id=trade.id - trade.count, last_us=trade.time_us, end_us=trade.time_us + 1,
        price_decimals=price_decimals, quantity_decimals=quantity_decimals,
    )  # fmt: skip
    return bar
