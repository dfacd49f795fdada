"""Files of any known kind to features and prices, or what was kept of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from marketstream.columns import CandleColumns, FeatureTable, PriceSeries
from marketstream.errors import InputError, SettingsError
from marketstream.plan import Plan
from marketstream.readers import Kind, kind_of, read_trades
from marketstream.readers.names import market_in_name
from marketstream.symbols import market_of, parse_symbol
from marketstream.timeframes import finest_first, timeframe_ms
from predictor.training.prices import Label
from realtime_training.beside import by_market, together
from realtime_training.datasets import profiles
from realtime_training.datasets.cache import DatasetCache, Entry, Made, identity_of
from realtime_training.datasets.frames import replay_features
from realtime_training.datasets.klines import read_klines
from realtime_training.datasets.longer import beside_of, in_longer
from realtime_training.datasets.trades import candles_of
from realtime_training.recorded_market import told_by
from realtime_training.settings import Settings
from technical_indicators.batch import feature_columns
from technical_indicators.feature_set import FeatureSet

_DEFAULT_TIMEFRAME = "1s"
_SHORTEST_CLOSE_MS = 60_000
_LABELS: tuple[Label, ...] = ("mid", "fair", "close")

type Advanced = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A market's features and prices; `label` is the best its prices allow, `used` is for models.

    `unused` says of the other features that are configured for models why they cannot be used.
    Where it is the `parts` of several markets, `table` has the rows of all.
    `identity` is a digest of the data it was made of; `cached` says that it was made before.
    """

    symbol: str | None
    timeframe: str
    label: Label
    table: FeatureTable
    prices: PriceSeries
    used: tuple[str, ...]
    feature_set: str
    identity: str
    cached: bool = False
    remarks: tuple[str, ...] = ()
    unused: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Recorded, ...] = ()

    @property
    def unused_by_reason(self) -> dict[str, str]:
        """Return the names of the features that cannot be used, by why not."""
        names: dict[str, list[str]] = {}
        for name, reason in self.unused.items():
            names.setdefault(reason, []).append(name)
        return {reason: ", ".join(found) for reason, found in names.items()}

    @classmethod
    def of(
        cls, entry: Entry, settings: Settings, identity: str, *, cached: bool = False
    ) -> Recorded:
        """Return a dataset as it was made, with what models use of it by the settings of now."""
        made, table, prices = entry
        chosen = profiles.chosen(made.label, table, settings)
        return cls(
            symbol=made.symbol,
            timeframe=made.timeframe,
            label=made.label,
            table=table,
            prices=prices,
            used=chosen.used,
            feature_set=made.feature_set,
            identity=identity,
            cached=cached,
            remarks=made.remarks,
            unused=chosen.unused,
        )


def load_files(
    files: Sequence[Path],
    settings: Settings,
    state: Path,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    beside: Sequence[tuple[str, Path]] = (),
    advanced: Advanced | None = None,
) -> Recorded:
    """Return the features and prices of files that hold one market.

    Recorded frames go through the running system's own stages, so that there is a book; trades and
    candles are folded as columns. Without a timeframe decisions are made each second, or at each
    candle of a file of candles. Recordings that say so are of the exchange and symbol they name;
    frames of markets `beside` are looked at as they were received.
    What was made is kept in the state folder. Raises InputError where the files cannot be read, are
    of several kinds or contradict each other.
    """
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1:
        raise InputError(
            f"{', '.join(map(str, files))}: {' and '.join(sorted(kinds))} together: give files of "
            "one kind"
        )
    kind = kinds.pop()
    if kind == "frames":
        settings, symbol = told_by(files, settings, symbol)
    elif beside:
        raise SettingsError(f"--beside takes recorded frames: FILES are {kind}")
    identity = identity_of([*files, *(file for _, file in beside)])
    cache = DatasetCache(state / "datasets")
    computed = [profiles.computed(label, settings) for label in _LABELS]
    markets = [market_in_name(file.name) for file in files]  # two may be of one content
    path = cache.path(
        identity, kind, symbol, markets, [market for market, _ in beside], timeframe,
        settings.candles, settings.trades, *computed,
    )  # fmt: skip
    entry = cache.read(path)
    if entry is not None:
        return Recorded.of(entry, settings, identity, cached=True)
    entry = _make(kind, files, settings, symbol, timeframe, beside, advanced)
    cache.write(path, entry)
    return Recorded.of(entry, settings, identity)


def _make(
    kind: Kind,
    files: Sequence[Path],
    settings: Settings,
    symbol: str | None,
    timeframe: str | None,
    beside: Sequence[tuple[str, Path]],
    advanced: Advanced | None,
) -> Entry:
    if kind == "candles":
        return _of_candles(files, settings, symbol, timeframe)
    timeframe = timeframe or _DEFAULT_TIMEFRAME
    if kind == "frames":
        entry = _of_frames(files, settings, symbol, timeframe, beside, advanced)
        if entry is not None:
            return entry
    return _of_trades(files, settings, symbol, timeframe, advanced)


def _of_frames(
    files: Sequence[Path],
    settings: Settings,
    symbol: str | None,
    timeframe: str,
    beside: Sequence[tuple[str, Path]],
    advanced: Advanced | None,
) -> Entry | None:
    """Return what frames say; None where there are no quotes among them."""
    if symbol is None:
        raise SettingsError("give --symbol, like BTC/USDT: recorded frames may hold several")
    market = market_of(settings.trades.exchange, parse_symbol(symbol))
    others = by_market(beside, market)
    plan = Plan(
        (market, *others), timeframe, (1,), settings.timeframes,
        groups=together(market, others),
    )  # fmt: skip
    feature_set = FeatureSet(timeframe, plan.base, profiles.computed("mid", settings), plan.groups)
    history = replay_features(
        files, parse_symbol(symbol), plan, feature_set, settings, advanced, others
    )
    table, prices = history.table(), history.prices()
    if not np.isfinite(prices.mid).any():
        return None
    return _made(symbol, timeframe, "mid", feature_set, table, prices)


def _of_trades(
    files: Sequence[Path],
    settings: Settings,
    symbol: str | None,
    timeframe: str,
    advanced: Advanced | None,
) -> Entry:
    trades = read_trades(files, symbol=symbol, advanced=advanced)
    base = finest_first([*settings.candles.timeframes, timeframe])[0]
    if not (trades.taker != 0).any() and timeframe_ms(timeframe) >= _SHORTEST_CLOSE_MS:
        base = timeframe  # without sides there is only the close, which nothing finer judges
    Plan(("trades",), timeframe, (1,), (base,))  # says so where the two do not fit
    left_out = [*trades.unusable.items(), *trades.ignored.items()]
    remarks = tuple(f"left out: {count:,} x {reason}" for reason, count in left_out)
    return _of_columns(
        candles_of(trades, timeframe), candles_of(trades, base), symbol or trades.symbol, settings,
        remarks, partial(candles_of, trades),
    )  # fmt: skip


def _of_candles(
    files: Sequence[Path], settings: Settings, symbol: str | None, timeframe: str | None
) -> Entry:
    klines = read_klines(files, symbol=symbol)
    base = klines.candles
    candles = in_longer(base, timeframe or base.timeframe)
    return _of_columns(
        candles, base, klines.table.symbol, settings, klines.remarks(), partial(in_longer, base)
    )


def _of_columns(
    candles: CandleColumns,
    base: CandleColumns,
    symbol: str | None,
    settings: Settings,
    remarks: tuple[str, ...],
    made_of: Callable[[str], CandleColumns],
) -> Entry:
    prices = PriceSeries.of(base)
    label = profiles.label_of(prices)
    feature_set = FeatureSet(candles.timeframe, base.timeframe, profiles.computed(label, settings))
    beside = beside_of(feature_set, base.timeframe, made_of)
    table = feature_columns(candles, base, feature_set, beside=beside)
    return _made(symbol, candles.timeframe, label, feature_set, table, prices, remarks)


def _made(
    symbol: str | None,
    timeframe: str,
    label: Label,
    feature_set: FeatureSet,
    table: FeatureTable,
    prices: PriceSeries,
    remarks: tuple[str, ...] = (),
) -> Entry:
    made = Made(
        symbol, timeframe, prices.base_ms, label, feature_set.version, feature_set.names, remarks
    )
    return made, table, prices
