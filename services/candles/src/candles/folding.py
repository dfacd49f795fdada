"""The loop in which trades are added up: it is run for every trade, hence the local names."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from candles.bar import Bar
from candles.units import EXACT, to_units
from marketstream.messages import Trade


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
    trade_count, high, low, close = bar.trade_count, bar.high, bar.low, nan
    first_bought, first_sold = bar.bought, bar.sold
    bought = bought_quote = sold = sold_quote = 0
    price_units = 0
    position = at
    for trade in trades[at:]:
        time_us = trade.time_us
        if trade.id != last_id + trade.count or not last_us <= time_us < end_us:
            break
        price, quantity = trade.price, trade.quantity
        scaled = quantity * quantity_scale
        quantity_units = int(scaled + 0.5)
        if scaled >= EXACT or quantity_units / quantity_scale != quantity:
            exact = to_units(quantity, quantity_decimals)
            if exact is None:
                break
            quantity_units = exact
        if price != close:  # else it is that of the trade before
            scaled = price * price_scale
            price_units = int(scaled + 0.5)
            if scaled >= EXACT or price_units / price_scale != price:
                exact = to_units(price, price_decimals)
                if exact is None:
                    break
                price_units = exact
        if not trade_count:
            high = low = price
            bar.opened = (time_us, trade.id, price)
            bar.first_id = trade.id - trade.count + 1
        elif price > high:
            high = price
        elif price < low:
            low = price
        close = price
        last_id = trade.id
        last_us = time_us
        trade_count += trade.count
        if trade.taker == "buy":
            bought += quantity_units
            bought_quote += price_units * quantity_units
            if first_bought is None:
                first_bought = (time_us, last_id, price)
        else:
            sold += quantity_units
            sold_quote += price_units * quantity_units
            if first_sold is None:
                first_sold = (time_us, last_id, price)
        position += 1
    if position > at:
        bar.trade_count, bar.high, bar.low = trade_count, high, low
        bar.bought, bar.sold = first_bought, first_sold
        bar.closed, bar.last_id = (last_us, last_id, close), last_id
        bar.volume += bought + sold
        bar.quote_volume += bought_quote + sold_quote
        bar.taker_buy_volume += bought
        bar.taker_buy_quote_volume += bought_quote
    return position


def bar_of(trade: Trade, price_decimals: int, quantity_decimals: int) -> Bar:
    """Return the bar of one trade, whose price and quantity have so many decimals at most."""
    bar = Bar()
    fold(
        bar, (trade,), 0,
        last_id=trade.id - trade.count, last_us=trade.time_us, end_us=trade.time_us + 1,
        price_decimals=price_decimals, quantity_decimals=quantity_decimals,
    )  # fmt: skip
    return bar
