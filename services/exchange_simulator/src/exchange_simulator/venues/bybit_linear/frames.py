"""The frames of topics that only perpetuals have.

https://bybit-exchange.github.io/docs/v5/websocket/public/ticker and .../all-liquidation
"""

from __future__ import annotations

from collections.abc import Iterable

from exchange_simulator.market.context import Liquidation, Told
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.session import dump


def ticker_frame(market: Market, told: Told, before: Told | None = None) -> bytes:
    """Return a frame of `tickers`: what changed since `before`, all where that is None."""
    fields = _fields(market, told)
    if before is not None:
        same = _fields(market, before).items()
        fields = {name: value for name, value in fields.items() if (name, value) not in same}
    return dump(
        {
            "topic": f"tickers.{market.wire_symbol}",
            "type": "snapshot" if before is None else "delta",
            "data": {"symbol": market.wire_symbol, **fields},
            "cs": told.time_us // 1_000,
            "ts": told.time_us // 1_000,
        }
    ).encode()


def liquidations_frame(market: Market, some: Iterable[Liquidation], time_us: int) -> bytes:
    """Return a frame of `allLiquidation`; `S` is the side of the position."""
    rows = [
        {
            "T": one.time_us // 1_000,
            "s": market.wire_symbol,
            "S": "Sell" if one.buys else "Buy",
            "v": market.quantity(one.lots),
            "p": market.price(one.ticks),
        }
        for one in some
    ]
    topic = f"allLiquidation.{market.wire_symbol}"
    said = {"topic": topic, "type": "snapshot", "ts": time_us // 1_000, "data": rows}
    return dump(said).encode()


def _fields(market: Market, told: Told) -> dict[str, str]:
    decimals = market.tape.price_decimals
    return {
        "markPrice": f"{told.mark:.{decimals}f}",
        "indexPrice": f"{told.spot:.{decimals}f}",
        "openInterest": market.quantity(told.open_lots),
        "nextFundingTime": str(told.next_funding_us // 1_000),
        "fundingRate": f"{told.rate:.6f}",
    }
