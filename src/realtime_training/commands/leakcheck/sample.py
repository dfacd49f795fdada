"""The newest candles of a recording, and the functions that make features of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from candles.stage import candles_stage
from marketstream.columns import CandleColumns, FeatureTable, PriceSeries
from marketstream.errors import InputError, SettingsError
from marketstream.messages import Candle
from marketstream.plan import Plan
from marketstream.readers import kind_of, read_trades
from marketstream.runners.in_process import InProcessRunner
from marketstream.symbols import market_of, parse_symbol
from marketstream.timeframes import timeframe_ms
from marketstream.topics import CANDLES
from predictor.leakcheck import Featured, Series
from predictor.training.prices import Label, choose_label
from realtime_training.commands.leakcheck.candles import messages_of
from realtime_training.datasets import profiles
from realtime_training.datasets.klines import read_klines
from realtime_training.datasets.longer import in_longer
from realtime_training.datasets.trades import candles_of
from realtime_training.recorded_feed import feed_recording
from realtime_training.settings import Settings
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet
from technical_indicators.operator import FeatureEngine

_ROWS = 2_000  # beyond those that features need to settle
_FEWEST_ROWS = 10
_MOST_BASE_CANDLES = 300_000
_MARKET = "recording"

type Advanced = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """Candles and their prices; `features` is what training reads of them, `streamed` what serves.

    After `settled` rows no feature may depend on where the series began.
    """

    symbol: str | None
    timeframe: str
    label: Label
    series: Series
    prices: PriceSeries
    settled: int
    features: Featured
    streamed: Featured


def read_sample(
    files: Sequence[Path],
    settings: Settings,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    advanced: Advanced | None = None,
) -> Sample:
    """Return the newest candles of files that hold one market, made as for training.

    Raises InputError where the files cannot be read, are of several kinds, or allow no label.
    """
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1:
        raise InputError(
            f"{', '.join(map(str, files))}: {' and '.join(sorted(kinds))} together: give files of "
            "one kind"
        )
    if kinds == {"candles"}:
        klines = read_klines(files, symbol=symbol)
        candles = in_longer(klines.candles, timeframe or klines.candles.timeframe)
        return _of_columns(candles, klines.candles, klines.table.symbol, settings)
    timeframe = timeframe or "1s"
    if kinds == {"frames"}:
        if symbol is None:
            raise SettingsError("give --symbol, like BTC/USDT: recorded frames may hold several")
        plan = Plan((_MARKET,), timeframe, (1,), tuple(settings.candles.timeframes))
        feature_set = FeatureSet(timeframe, plan.base, profiles.computed("mid", settings))
        symbol = parse_symbol(symbol)
        series = _candles_in_frames(files, symbol, plan, feature_set, settings, advanced)
        if any(candle.mid is not None for candle in series.base_candles):
            return _sample(symbol, series, feature_set, "mid")
    base_timeframe = Plan((_MARKET,), timeframe, (1,), tuple(settings.candles.timeframes)).base
    trades = read_trades(files, symbol=symbol, advanced=advanced)
    if not (trades.taker != 0).any() and timeframe_ms(timeframe) >= timeframe_ms("1m"):
        base_timeframe = timeframe  # without sides there is only the close
    return _of_columns(
        candles_of(trades, timeframe), candles_of(trades, base_timeframe),
        symbol or trades.symbol, settings,
    )  # fmt: skip


def _candles_in_frames(
    files: Sequence[Path],
    symbol: str,
    plan: Plan,
    feature_set: FeatureSet,
    settings: Settings,
    advanced: Advanced | None,
) -> Series:
    """Return the newest candles, each as it was known first."""
    market = market_of(settings.trades.exchange, symbol)
    timeframe = plan.timeframe
    rows, bases = _lengths(feature_set)
    kept = {plan.base: deque[Candle](maxlen=bases), timeframe: deque[Candle](maxlen=rows)}

    def keep(candle: Candle, _received_ns: int) -> None:
        if candle.timeframe in kept and candle.state == "closed" and candle.revision == 0:
            kept[candle.timeframe].append(candle)

    runner = InProcessRunner([candles_stage(plan.candle_timeframes, leaps=True)])
    runner.tap(CANDLES, keep)
    feed_recording(files, market, plan.base, settings.trades, runner, advanced=advanced)
    return Series(list(kept[timeframe]), list(kept[plan.base]))


def _of_columns(
    candles: CandleColumns, base: CandleColumns, symbol: str | None, settings: Settings
) -> Sample:
    label = choose_label(PriceSeries.of(base))
    feature_set = FeatureSet(candles.timeframe, base.timeframe, profiles.computed(label, settings))

    rows, bases = _lengths(feature_set)
    series = Series(messages_of(candles, _MARKET, rows), messages_of(base, _MARKET, bases))
    return _sample(symbol, series, feature_set, label)


def _sample(
    symbol: str | None,
    series: Series,
    feature_set: FeatureSet,
    label: Label,
) -> Sample:
    """Return a sample of the stretch that candles of both timeframes cover."""
    first_ms = max((each[0].open_time_ms for each in series if each), default=0)
    last_ms = min((each[-1].close_time_ms for each in series if each), default=0)
    candles, base_candles = (
        [c for c in each if first_ms <= c.open_time_ms and c.close_time_ms <= last_ms]
        for each in series
    )
    if len(candles) < _FEWEST_ROWS:
        raise InputError(
            f"{len(candles)} candles of {feature_set.timeframe}: give a longer recording, or a "
            "finer --timeframe"
        )
    series = Series(candles, base_candles)
    kept = feature_set.candles_needed()

    def features(series: Series) -> FeatureTable:
        return feature_table(series.candles, series.base_candles, feature_set)

    def streamed(series: Series) -> FeatureTable:
        engine = FeatureEngine(_MARKET, feature_set, kept)
        both = {id(candle): candle for each in series for candle in each}
        ordered = sorted(both.values(), key=lambda c: (c.close_time_ms, timeframe_ms(c.timeframe)))
        vectors = [vector for candle in ordered for vector in engine.update(candle)]
        return FeatureTable.of([v for v in vectors if v.timeframe == feature_set.timeframe])

    return Sample(
        symbol=symbol,
        timeframe=feature_set.timeframe,
        label=label,
        series=series,
        prices=PriceSeries.of(CandleColumns.of(base_candles, feature_set.base)),
        settled=feature_set.settled_after(),
        features=features,
        streamed=streamed,
    )


def _lengths(feature_set: FeatureSet) -> tuple[int, int]:
    """Return how many candles are checked, of the timeframe decided on and of the finest."""
    bases = timeframe_ms(feature_set.timeframe) // timeframe_ms(feature_set.base)
    rows = min(feature_set.settled_after() + _ROWS, _MOST_BASE_CANDLES // bases)
    return rows, rows * bases
