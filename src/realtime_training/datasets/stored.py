"""What the running system stored as features and prices."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from marketstream.columns import CandleColumns, PriceSeries
from marketstream.errors import InputError
from marketstream.messages import Candle
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.store.postgresql import postgres_url
from marketstream.store.sql import open_store
from marketstream.symbols import market_of, split_market
from realtime_training.datasets import profiles
from realtime_training.datasets.cache import Made
from realtime_training.datasets.loading import Recorded
from realtime_training.settings import Settings
from technical_indicators.batch import feature_columns
from technical_indicators.feature_set import FeatureSet

_END_OF_TIME_MS = 2**62


def load_stored(
    settings: Settings, state: Path, exchange: str, symbol: str, timeframe: str | None = None
) -> Recorded:
    """Return the features and prices of a market's stored candles, of 1s unless said.

    The store is PostgreSQL where a POSTGRES_ setting names it, else the file in the state folder.
    Raises InputError where it holds no such candles.
    """
    store = _open(settings, state)
    try:
        return read_store(store, market_of(exchange, symbol), timeframe or "1s", settings)
    finally:
        store.close()


def _open(settings: Settings, state: Path) -> Store:
    system = settings.system
    if any(name.startswith("postgres_") for name in system.model_fields_set):
        return open_store(postgres_url(system))
    path = state / "realtime.sqlite"
    if not path.exists():
        raise InputError(
            f"{path}: no such file: let realtime run collect some candles, or name its folder with "
            "--state"
        )
    return open_store(f"sqlite:///{path}")


def read_store(store: Store, market: str, timeframe: str, settings: Settings) -> Recorded:
    """Return the features and prices of a market's candles that have closed.

    It looks at the others of its group in the settings, as far as their candles are stored. Raises
    InputError where there are none of the timeframe.
    """
    base = Plan((market,), timeframe, (1,), tuple(settings.candles.timeframes)).base
    candles = _closed(store, market, timeframe)
    if not candles:
        raise InputError(f"the store holds no candles of {market} {timeframe}: {_instead(store)}")
    base_candles = _closed(store, market, base) if base != timeframe else candles
    if not base_candles:
        base, base_candles = timeframe, candles
    base_columns = CandleColumns.of(base_candles, base)
    prices = PriceSeries.of(base_columns)
    label = profiles.label_of(prices)
    groups = {name: tuple(markets) for name, markets in settings.plan.groups.items()}
    feature_set = FeatureSet(timeframe, base, profiles.computed(label, settings), groups)
    group = next((markets for markets in groups.values() if market in markets), (market,))
    others = [other for other in group if other != market][: feature_set.leaders]
    leaders = [_closed(store, other, base) for other in others]
    beside = {name: _closed(store, market, name) for name in feature_set.others}
    table = feature_columns(
        CandleColumns.of(candles, timeframe), base_columns, feature_set,
        [CandleColumns.of(each, base) for each in leaders],
        [CandleColumns.of(each, name) for name, each in beside.items()],
    )  # fmt: skip
    made = Made(
        split_market(market)[1], timeframe, prices.base_ms, label,
        feature_set.version, feature_set.names, (),
    )  # fmt: skip
    identity = hashlib.sha256(
        msgspec.msgpack.encode((candles, base_candles, *leaders, beside))
    ).hexdigest()
    return Recorded.of((made, table, prices), settings, identity)


def _instead(store: Store) -> str:
    """Say what a store holds and how it is named."""
    held = [split_market(market) for market in store.markets()]
    if not held:
        return "let realtime run collect some"
    said = ", ".join(f"--exchange {exchange} --symbol {symbol}" for exchange, symbol in held)
    return f"it holds {said}; name one of them, or another --timeframe"


def _closed(store: Store, market: str, timeframe: str) -> list[Candle]:
    candles = store.candles(market, timeframe, 0, _END_OF_TIME_MS)
    return [candle for candle in candles if candle.state == "closed"]
