"""A tape as the messages a flawless feed would make of it, without sockets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exchange_simulator.market.tape import Tape
from marketstream.messages import Quote, Trade, Trades

_BLOCK_US = 600_000_000


def trades_messages(
    tape: Tape, market: str, from_us: int, to_us: int, *, every_ms: int = 250
) -> Iterator[Trades]:
    """Yield one message per `every_ms` of market time: its trades, its last quote, seen to its end.

    Nothing is missing, and that is said: all is proven to the end of each. Times are the tape's
    own, so a quote has its true time and nothing comes late.
    """
    every_us = every_ms * 1_000
    for start_us in range(from_us, to_us, _BLOCK_US):
        yield from _block(tape, market, start_us, min(start_us + _BLOCK_US, to_us), every_us)


def _block(tape: Tape, market: str, from_us: int, to_us: int, every_us: int) -> Iterator[Trades]:
    trades, quotes = tape.trades(from_us, to_us), tape.quotes(from_us, to_us)
    price_scale, quantity_scale = 10**tape.price_decimals, 10**tape.quantity_decimals
    fills = [
        Trade(number, price / price_scale, quantity / quantity_scale, side, time_us)
        for number, price, quantity, side, time_us in zip(
            trades.id.tolist(),
            trades.price.tolist(),
            trades.quantity.tolist(),
            np.where(trades.buyer_is_maker, "sell", "buy").tolist(),
            trades.time_us.tolist(),
            strict=True,
        )
    ]
    ends_us = np.arange(from_us + every_us, to_us + every_us, every_us)
    trade_ends = np.searchsorted(trades.time_us, ends_us).tolist()
    quote_ends = np.searchsorted(quotes.time_us, ends_us).tolist()
    trade_at = quote_at = 0
    for end_us, trade_end, quote_end in zip(ends_us.tolist(), trade_ends, quote_ends, strict=True):
        quote = None
        if quote_end > quote_at:
            row = quote_end - 1
            quote = Quote(
                int(quotes.bid[row]) / price_scale,
                int(quotes.bid_quantity[row]) / quantity_scale,
                int(quotes.ask[row]) / price_scale,
                int(quotes.ask_quantity[row]) / quantity_scale,
                int(quotes.time_us[row]),
            )
        yield Trades(
            market,
            tuple(fills[trade_at:trade_end]),
            quote,
            end_us,
            tape.price_decimals,
            tape.quantity_decimals,
            proven_until_us=end_us,
        )
        trade_at, quote_at = trade_end, quote_end
