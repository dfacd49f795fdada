"""The frames of channels that tell of swaps.

https://www.okx.com/docs-v5/en/#public-data-websocket-mark-price-channel and those beside it
"""

from __future__ import annotations

from exchange_simulator.market.context import Liquidation, Told
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.session import dump
from exchange_simulator.venues.okx.sizes import Sizes

INDEX, LIQUIDATIONS = "index-tickers", "liquidation-orders"
EVERY_US = {
    "mark-price": 200_000,
    INDEX: 200_000,
    "funding-rate": 30_000_000,
    "open-interest": 3_000_000,
}
"""How often a channel says what it does."""


def told_frame(channel: str, market: Market, sizes: Sizes, told: Told) -> bytes:
    """Return a frame of one of the channels that speak at a pace."""
    instrument = market.wire_symbol
    named = instrument.removesuffix("-SWAP") if channel == INDEX else instrument
    decimals = market.tape.price_decimals
    fields = {
        "mark-price": {"instType": "SWAP", "markPx": f"{told.mark:.{decimals}f}"},
        INDEX: {"idxPx": f"{told.spot:.{decimals}f}"},
        "funding-rate": {
            "instType": "SWAP",
            "fundingRate": f"{told.rate:.16f}",
            "fundingTime": str(told.next_funding_us // 1_000),
        },
        "open-interest": {"instType": "SWAP", "oi": sizes.text(market, told.open_lots)},
    }[channel]
    row = {"instId": named, **fields, "ts": str(told.time_us // 1_000)}
    return dump({"arg": {"channel": channel, "instId": named}, "data": [row]}).encode()


def liquidation_frame(market: Market, sizes: Sizes, one: Liquidation) -> bytes:
    """Return a frame of `liquidation-orders`; `side` is the order's."""
    family = market.wire_symbol.removesuffix("-SWAP")
    details = {
        "bkLoss": "0",
        "bkPx": market.price(one.ticks),
        "ccy": "",
        "posSide": "short" if one.buys else "long",
        "side": "buy" if one.buys else "sell",
        "sz": sizes.text(market, one.lots),
        "ts": str(one.time_us // 1_000),
    }
    row = {
        "details": [details],
        "instFamily": family,
        "instId": market.wire_symbol,
        "instType": "SWAP",
        "uly": family,
    }
    return dump({"arg": {"channel": LIQUIDATIONS, "instType": "SWAP"}, "data": [row]}).encode()
