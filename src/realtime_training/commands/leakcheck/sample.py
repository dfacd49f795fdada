"""The newest candles of a recording, and the functions that make features of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
from realtime_training.beside import by_market, together
from realtime_training.commands.leakcheck.candles import messages_of
from realtime_training.datasets import profiles
from realtime_training.datasets.klines import read_klines
from realtime_training.datasets.longer import beside_of, in_longer
from realtime_training.datasets.trades import candles_of
from realtime_training.recorded_feed import feed_together
from realtime_training.settings import Settings
from technical_indicators.batch import feature_table
from technical_indicators.feature_set import FeatureSet
from technical_indicators.group_operator import GroupEngine

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
    beside: Sequence[tuple[str, Path]] = (),
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
    if beside and kinds != {"frames"}:
        raise SettingsError(f"--beside takes recorded frames: FILES are {min(kinds)}")
    if kinds == {"candles"}:
        klines = read_klines(files, symbol=symbol)
        candles = in_longer(klines.candles, timeframe or klines.candles.timeframe)
        return _of_columns(
            candles, klines.candles, klines.table.symbol, settings,
            partial(in_longer, klines.candles),
        )  # fmt: skip
    timeframe = timeframe or "1s"
    if kinds == {"frames"}:
        if symbol is None:
            raise SettingsError("give --symbol, like BTC/USDT: recorded frames may hold several")
        symbol = parse_symbol(symbol)
        market = market_of(settings.trades.exchange, symbol)
        others = by_market(beside, market)
        plan = Plan(
            (market, *others), timeframe, (1,), settings.timeframes,
            groups=together(market, others),
        )  # fmt: skip
        computed = profiles.computed("mid", settings)
        feature_set = FeatureSet(timeframe, plan.base, computed, plan.groups)
        recordings = {market: files, **others}
        series = _candles_in_frames(recordings, plan, feature_set, settings, advanced)
        if any(candle.mid is not None for candle in series.base_candles):
            return _sample(symbol, series, feature_set, "mid")
    base_timeframe = Plan((_MARKET,), timeframe, (1,), tuple(settings.candles.timeframes)).base
    trades = read_trades(files, symbol=symbol, advanced=advanced)
    if not (trades.taker != 0).any() and timeframe_ms(timeframe) >= timeframe_ms("1m"):
        base_timeframe = timeframe  # without sides there is only the close
    return _of_columns(
        candles_of(trades, timeframe), candles_of(trades, base_timeframe),
        symbol or trades.symbol, settings, partial(candles_of, trades),
    )  # fmt: skip


def _candles_in_frames(
    files: Mapping[str, Sequence[Path]],
    plan: Plan,
    feature_set: FeatureSet,
    settings: Settings,
    advanced: Advanced | None,
) -> Series:
    """Return the newest candles of the first market, each as it was known first, and its leaders'.

    Leaders' are those of the same stretch.
    """
    rows, bases = _lengths(feature_set)
    market, *leaders = plan.markets
    decided = deque[Candle](maxlen=rows)
    base = {each: deque[Candle](maxlen=bases) for each in plan.markets}
    beside = {name: deque[Candle](maxlen=bases) for name in feature_set.others}

    def keep(candle: Candle, _received_ns: int) -> None:
        if candle.state != "closed" or candle.revision:
            return
        if candle.timeframe == plan.base:
            base[candle.market].append(candle)
        if candle.timeframe == plan.timeframe and candle.market == market:
            decided.append(candle)
        if candle.timeframe in beside and candle.market == market:
            beside[candle.timeframe].append(candle)

    runner = InProcessRunner([candles_stage(plan.candle_timeframes, leaps=True)])
    runner.tap(CANDLES, keep)
    feed_together(files, plan.base, settings.trades, runner, advanced=advanced)
    return Series(
        list(decided),
        list(base[market]),
        [list(base[each]) for each in leaders],
        [list(each) for each in beside.values()],
    )


def _of_columns(
    candles: CandleColumns,
    base: CandleColumns,
    symbol: str | None,
    settings: Settings,
    made_of: Callable[[str], CandleColumns],
) -> Sample:
    label = choose_label(PriceSeries.of(base))
    feature_set = FeatureSet(candles.timeframe, base.timeframe, profiles.computed(label, settings))

    rows, bases = _lengths(feature_set)
    beside = beside_of(feature_set, base.timeframe, made_of)
    series = Series(
        messages_of(candles, _MARKET, rows),
        messages_of(base, _MARKET, bases),
        beside=[messages_of(each, _MARKET, bases) for each in beside],
    )
    return _sample(symbol, series, feature_set, label)


def _sample(
    symbol: str | None,
    series: Series,
    feature_set: FeatureSet,
    label: Label,
) -> Sample:
    """Return a sample of the stretch that candles of both timeframes cover."""
    own = (series.candles, series.base_candles)
    first_ms = max((each[0].open_time_ms for each in own if each), default=0)
    last_ms = min((each[-1].close_time_ms for each in own if each), default=0)
    series = series.changed(
        lambda each: [c for c in each if first_ms <= c.open_time_ms and c.close_time_ms <= last_ms]
    )
    if len(series.candles) < _FEWEST_ROWS:
        raise InputError(
            f"{len(series.candles)} candles of {feature_set.timeframe}: give a longer recording, "
            "or a finer --timeframe"
        )
    kept = feature_set.candles_needed()

    def features(series: Series) -> FeatureTable:
        return feature_table(
            series.candles, series.base_candles, feature_set, series.leaders, series.beside
        )

    def streamed(series: Series) -> FeatureTable:
        market = series.candles[0].market
        markets = (market, *(one[0].market for one in series.leaders if one))
        engine = GroupEngine(markets, feature_set, kept)
        every = (series.candles, series.base_candles, *series.leaders, *series.beside)
        once = {id(candle): candle for each in every for candle in each}
        ordered = sorted(once.values(), key=lambda c: (c.close_time_ms, timeframe_ms(c.timeframe)))
        made = [vector for candle in ordered for vector in engine.update(candle)]
        return FeatureTable.of(
            [vector for vector in made if vector.values and vector.market == market]
        )

    return Sample(
        symbol=symbol,
        timeframe=feature_set.timeframe,
        label=label,
        series=series,
        prices=PriceSeries.of(CandleColumns.of(series.base_candles, feature_set.base)),
        settled=feature_set.settled_after(),
        features=features,
        streamed=streamed,
    )


def _lengths(feature_set: FeatureSet) -> tuple[int, int]:
    """Return how many candles are checked, of the timeframe decided on and of the finest."""
    bases = timeframe_ms(feature_set.timeframe) // timeframe_ms(feature_set.base)
    rows = min(feature_set.settled_after() + _ROWS, _MOST_BASE_CANDLES // bases)
    return rows, rows * bases
