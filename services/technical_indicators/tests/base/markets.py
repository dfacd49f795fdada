"""Base candles of a market with its book, and what can be wrong with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from msgspec.structs import replace

from marketstream.columns import FeatureTable, Floats
from marketstream.messages import Candle, Context, Depth, Features, Funding, Liquidations, Reading
from technical_indicators.base_indicator import base_names
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.operator import FeatureEngine

MARKET = "binance:BTC/USDT"
BASE_MS = 250
ROWS = 1_200
START_MS = 1_704_067_200_000 + 86_400_000 - 60_000  # a minute before midnight
NAMES = tuple(base_names())

type Entry = str | dict[str, dict[str, int | float]]

OF_LEVELS: list[Entry] = [
    {name: {"levels": levels}}
    for name in ("book_imbalance", "book_microprice", "book_slope", "book_spread")
    for levels in (1, 3, 10)
]
OF_SPANS: list[Entry] = [
    {name: {level: number, "seconds": seconds}}
    for name, level in (("book_ofi", "level"), ("book_ofi_integrated", "levels"))
    for number in (1, 3, 10)
    for seconds in (0.25, 10)
]
OF_TIME: list[Entry] = [
    {name: {"seconds": seconds}}
    for name in NAMES
    if name.startswith(("flow_", "liquidation_s", "fair_", "mid_a", "mid_v", "trade_", "vwap_d"))
    and name != "mid_age"
    for seconds in (0.5, 2, 5, 30)
]
ENTRIES: tuple[Entry, ...] = (
    *NAMES, *OF_LEVELS, *OF_SPANS, *OF_TIME, {"time_sine": {"hours": 168}},
    {"vwap_session": {"hours": 1}},
    *(
        {name: {"seconds": seconds}}
        for name in ("index_basis_change", "open_interest_change")
        for seconds in (0.25, 5)
    ),
)  # fmt: skip


@cache
def moving(rows: int = ROWS) -> tuple[Candle, ...]:
    """Return base candles of a market that moves by ticks, with ten levels of its book."""
    rng = np.random.default_rng(7)
    bid = np.round(100 + np.cumsum(rng.integers(-1, 2, rows) / 100), 2).tolist()
    ticks = rng.integers(1, 4, rows).tolist()
    sizes = np.round(rng.lognormal(size=(rows, 2, 10)), 3).tolist()
    bought, sold = (np.round(rng.lognormal(size=rows) * (rng.random(rows) < 0.6), 4) for _ in "bs")
    age_us = rng.integers(1, BASE_MS * 1_000, rows).tolist()
    liquidated = np.cumsum(rng.random((rows, 2)) * (rng.random((rows, 2)) < 0.1), axis=0).tolist()
    candles = []
    for row in range(rows):
        close_ms = START_MS + (row + 1) * BASE_MS
        bids = tuple((round(bid[row] - n / 100, 2), sizes[row][0][n]) for n in range(10))
        ask = round(bid[row] + ticks[row] / 100, 2)
        asks = tuple((round(ask + n / 100, 2), sizes[row][1][n]) for n in range(10))
        buys, sells = float(bought[row]), float(sold[row])
        close = ask if buys > sells else bid[row]
        candles.append(
            Candle(
                market=MARKET, timeframe="250ms",
                open_time_ms=close_ms - BASE_MS, close_time_ms=close_ms,
                open=close, close=close, high=ask, low=bid[row],
                volume=buys + sells, quote_volume=(buys + sells) * close,
                taker_buy_volume=buys, taker_buy_quote_volume=buys * close,
                trade_count=2 * (buys > 0) + (sells > 0),
                bid=bid[row], bid_quantity=bids[0][1], ask=ask, ask_quantity=asks[0][1],
                first_buy=ask if buys else None, first_sell=bid[row] if sells else None,
                depth=Depth(bids, asks, close_ms * 1_000 - age_us[row]),
                context=told(close_ms * 1_000 - age_us[row], bid[row], liquidated[row]),
            )
        )  # fmt: skip
    return tuple(candles)


def told(time_us: int, price: float, sums: list[float]) -> Context:
    """Return what is told of a perpetual, whose open interest and funding are slow."""
    slow_us = time_us // 5_000_000 * 5_000_000
    return Context(
        time_us,
        Reading(round(price * 1.0001, 2), time_us),
        Reading(round(price * 0.9997, 2), time_us - 100_000),
        Funding(slow_us % 977 * 1e-6 - 4e-4, slow_us, START_MS * 1_000 + 100_000_000),
        Reading(1_000.0 + slow_us // 5_000_000 % 101, slow_us),
        Liquidations(sums[0], sums[1], START_MS * 1_000, time_us),
    )


def as_is(candle: Candle) -> Candle:
    return candle


def still(candle: Candle) -> Candle:
    depth = moving()[0].depth
    assert depth is not None
    return replace(
        candle, open=100.0, high=100.0, low=100.0, close=100.0, bid=99.99, bid_quantity=1.0,
        ask=100.01, ask_quantity=1.0, volume=0.0, quote_volume=0.0, taker_buy_volume=0.0,
        context=moving()[0].context,
        taker_buy_quote_volume=0.0, trade_count=0, first_buy=None, first_sell=None,
        depth=replace(depth, time_us=candle.close_time_ms * 1_000 - 1),
    )  # fmt: skip


def blind(candle: Candle) -> Candle:
    return replace(
        candle, bid=None, bid_quantity=None, ask=None, ask_quantity=None, depth=None, context=None,
        first_buy=None, first_sell=None, taker_buy_volume=math.nan,
    )  # fmt: skip


def crossed(candle: Candle) -> Candle:
    depth = candle.depth
    assert depth is not None
    return replace(candle, bid=candle.ask, ask=candle.bid, depth=replace(depth, bids=depth.asks))


def old(candle: Candle) -> Candle:
    assert candle.depth is not None
    time_us = candle.close_time_ms * 1_000 - 10_000_001
    return replace(candle, depth=replace(candle.depth, time_us=time_us))


def untold(candle: Candle) -> Candle:
    """What was told before is all that is known, but for liquidations, which are counted anew."""
    context = moving()[5].context
    assert context is not None
    assert context.liquidations is not None
    anew = replace(context.liquidations, since_us=candle.open_time_ms * 1_000)
    return replace(candle, context=replace(context, liquidations=anew))


def half_told(candle: Candle) -> Candle:
    context = candle.context
    assert context is not None
    funding = replace(context.funding, next_us=None) if context.funding else None
    return replace(candle, context=replace(context, mark=None, funding=funding, liquidations=None))


def thin(candle: Candle) -> Candle:
    depth = candle.depth
    assert depth is not None
    return replace(candle, depth=replace(depth, bids=depth.bids[:4], asks=depth.asks[:2]))


def changed(*changes: Callable[[Candle], Candle]) -> list[Candle]:
    """Return the market with stretches of candles changed, and stretches in which all is well."""
    rng = np.random.default_rng(len(changes))
    candles: list[Candle] = []
    while len(candles) < ROWS:
        change = changes[int(rng.integers(len(changes)))]
        length = int(rng.choice((1, 2, 7, 60)))
        candles += map(change, moving()[len(candles) : len(candles) + length])
    return candles


def with_holes() -> list[Candle]:
    return [c for row, c in enumerate(moving()) if not (300 <= row < 340 or row in (700, 705))]


MARKETS: dict[str, Callable[[], list[Candle]]] = {
    "moving": lambda: list(moving()),
    "still": lambda: [still(candle) for candle in moving()],
    "blind": lambda: [blind(candle) for candle in moving()],
    "now and then": lambda: changed(as_is, as_is, as_is, still, blind, crossed, old, thin),
    "told now and then": lambda: changed(as_is, as_is, as_is, untold, half_told),
    "with holes": with_holes,
}


def decided(base: Sequence[Candle]) -> list[Candle]:
    """Return a candle of a second at each full one, with the book of its last base candle."""
    return [
        replace(one, timeframe="1s", open_time_ms=one.close_time_ms - 1_000)
        for one in base
        if one.close_time_ms % 1_000 == 0
    ]


def in_order(base: Sequence[Candle]) -> list[Candle]:
    return sorted((*base, *decided(base)), key=lambda c: (c.close_time_ms, -c.open_time_ms))


def of(*entries: Entry, base: str = "250ms") -> FeatureSet:
    return FeatureSet("1s", base, FeatureSettings(indicators=list(entries)))


def fed(engine: FeatureEngine, candles: Sequence[Candle]) -> list[Features]:
    """Return the whole vectors."""
    made = [features for candle in candles for features in engine.update(candle)]
    return [features for features in made if features.values]


def table_of(messages: Sequence[Features], feature_set: FeatureSet) -> Floats:
    names = [name for each in feature_set.of_base for name in each.names]
    return FeatureTable.of(messages).columns(names)


def settings_of(*entries: Entry) -> FeatureSettings:
    return FeatureSettings(indicators=list(entries))
