"""What a close costs in features: TA-Lib's indicators, the whole vector, and both in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns

import msgspec
import numpy as np

from marketstream.columns import Floats
from marketstream.errors import RealtimeError
from marketstream.messages import Candle
from realtime_bench.book_and_flow import BOOK_AND_FLOW, LEVELS, OF_A_LEADER
from realtime_bench.figures import Effort, Measured, Say, percentile
from realtime_bench.seeded_candles import messages_of, seeded_candles
from realtime_bench.seeded_trades import MARKET
from realtime_bench.talipp_peer import ENTRIES, talipp_us, talipp_version
from realtime_bench.timing import each_us, one_core, timed
from technical_indicators.base_columns import BaseColumns, base_columns_of
from technical_indicators.base_indicator import BaseIndicator
from technical_indicators.batch import feature_columns
from technical_indicators.feature_set import DEFAULT_INDICATORS, FeatureSet, FeatureSettings
from technical_indicators.group_operator import GroupEngine
from technical_indicators.operator import FeatureEngine
from technical_indicators.port import COLUMNS, Indicator

_MORE = (
    "APO", "PPO", "TRIX", "DX", "ADXR", "BOP", "AROONOSC", "STOCHF", "KAMA", "TEMA", "STDDEV",
    "LINEARREG_ANGLE",
)  # fmt: skip
_LEADER = "binance-usdm:BTC/USDT:USDT"
_TIMEFRAME, _BASE, _BASES = "1s", "250ms", 4
_COLUMNS = 1_000_000
_CLOSES, _WARM = 20_000, 1_000
_ROUNDING = 1e-6  # sums that are kept for thousands of closes differ by that much
_QUICK = 50  # times less


def bench_indicators(effort: Effort, say: Say) -> Measured:
    """Measure the microseconds of a close and the seconds of a million on one core."""
    less = _QUICK if effort.quick else 1
    closes, settings = _CLOSES // less, FeatureSettings()
    talib = FeatureSet(
        _TIMEFRAME, _BASE, FeatureSettings(indicators=[*DEFAULT_INDICATORS, *_MORE])
    ).indicators
    few = FeatureSet(_TIMEFRAME, _BASE, FeatureSettings(indicators=list(ENTRIES))).indicators
    streamed = FeatureSet(_TIMEFRAME, _BASE, settings)
    in_columns = FeatureSet("1m", "1m", settings)
    more = FeatureSettings(indicators=[*DEFAULT_INDICATORS, *BOOK_AND_FLOW])
    wide = FeatureSet(_TIMEFRAME, _BASE, more)
    led = FeatureSet(
        _TIMEFRAME, _BASE, FeatureSettings(indicators=[*DEFAULT_INDICATORS, *OF_A_LEADER])
    )
    families = {
        family: [each for each in wide.of_base if each.family == family]
        for family in ("book", "flow")
    }
    say("making the candles")
    candles = messages_of(seeded_candles(_WARM + closes, _TIMEFRAME, book=True))
    base = messages_of(seeded_candles(_BASES * len(candles), _BASE, book=True))
    deep = messages_of(seeded_candles(_BASES * len(candles), _BASE, book=True, levels=LEVELS))
    many_deep = base_columns_of(seeded_candles(_COLUMNS // less, _BASE, book=True, levels=LEVELS))
    many = seeded_candles(_COLUMNS // less, "1m", book=True)
    columns = {name: many.floats(name) for name in COLUMNS}
    keep = streamed.candles_needed()
    works: dict[str, Callable[[], object]] = {
        "talib_36": partial(_in_columns, talib, columns),
        "vector": partial(feature_columns, many, many, in_columns),
        "book": partial(_of_base, families["book"], many_deep),
        "flow": partial(_of_base, families["flow"], many_deep),
    }
    runs: dict[str, list[float]] = {}
    peers: dict[str, list[float]] = {"recomputed_us_p50": [], "talipp_us_p50": []}
    beside = talipp_version()
    if beside is None:
        say("left out, as not installed: talipp; uv sync --group peers brings it")
    else:
        _compare(few, candles)
    with one_core() as core:
        for number in range(1, effort.runs + 1):
            say(f"run {number} of {effort.runs}")
            for name, took_us in (
                ("talib_36", _talib_us(talib, candles)),
                ("vector", _vector_us(FeatureEngine(MARKET, streamed, keep), candles, base)),
                ("wide", _vector_us(FeatureEngine(MARKET, wide, keep), candles, deep)),
                ("led", _led_us(GroupEngine((MARKET, _LEADER), led, keep), candles, deep)),
            ):
                for share in (50, 99):
                    figure = f"{name}_us_p{share}"
                    runs.setdefault(figure, []).append(percentile(took_us, share / 100))
            again_us = _recomputed_us(talib, columns, keep, closes)
            peers["recomputed_us_p50"].append(percentile(again_us, 0.5))
            runs.setdefault("talib_9_us_p50", []).append(percentile(_talib_us(few, candles), 0.5))
            if beside is not None:
                took_us, _ = talipp_us([candle.close for candle in candles])
                peers["talipp_us_p50"].append(percentile(took_us[_WARM:], 0.5))
            for name, work in works.items():
                runs.setdefault(f"{name}_1m_seconds", []).append(timed(work)[0])
    conditions = {
        "closes": closes,
        "candles_in_columns": len(many),
        "talib": {"indicators": len(talib), "outputs": sum(len(each.names) for each in talib)},
        "vector": {
            "timed": "FeatureEngine.update for the last candle of 250ms and that of 1s",
            "features": len(streamed.names),
        },
        "wide": {
            "timed": "the same with the book and the flow beside the default",
            "features": len(wide.names),
            "levels": LEVELS,
        },
        "led": {
            "timed": "the same of a market with its leader, whose candles are there already",
            "features": len(led.names),
            "levels": LEVELS,
        },
        "vector_in_columns": {"features": len(in_columns.names)},
        **{
            f"{family}_in_columns": {"features": len(of_family), "timeframe": _BASE}
            for family, of_family in families.items()
        },
        "peers": {
            "recomputed_us_p50": f"the 36 by columns over the last {keep} candles",
            "talipp_us_p50": {"timed": "what talib_9_us_p50 is of", "version": beside},
        },
        "core": core,
    }
    return Measured(runs, conditions, peers)


def _talib_us(indicators: Sequence[Indicator], candles: Sequence[Candle]) -> list[float]:
    streams = [indicator.stream() for indicator in indicators]

    def close(candle: Candle) -> None:
        for stream in streams:
            stream.update(candle)

    return each_us(close, candles)[_WARM:]


def _compare(few: Sequence[Indicator], candles: Sequence[Candle]) -> None:
    """Raise RealtimeError where talipp says something else of the last close."""
    ours: list[float | None] = []
    for indicator in few:
        stream = indicator.stream()
        for candle in candles:
            values = stream.update(candle)
        ours += values
    _, theirs = talipp_us([candle.close for candle in candles])
    if not np.allclose(np.array(ours, np.float64), theirs, rtol=_ROUNDING, atol=_ROUNDING):
        raise RealtimeError(f"talipp says {theirs} where TA-Lib says {ours}: speeds say nothing")


def _led_us(engine: GroupEngine, candles: Sequence[Candle], base: Sequence[Candle]) -> list[float]:
    leaders = [msgspec.structs.replace(candle, market=_LEADER) for candle in base]
    return _vector_us(engine, candles, base, leaders)


def _vector_us(
    engine: FeatureEngine | GroupEngine,
    candles: Sequence[Candle],
    base: Sequence[Candle],
    leaders: Sequence[Candle] = (),
) -> list[float]:
    took_us = []
    for number, candle in enumerate(candles):
        *before, last = base[_BASES * number : _BASES * (number + 1)]
        for each in (*before, *leaders[_BASES * number : _BASES * (number + 1)]):
            engine.update(each)
        started_ns = perf_counter_ns()
        engine.update(last)
        engine.update(candle)
        took_us.append((perf_counter_ns() - started_ns) / 1_000)
    return took_us[_WARM:]


def _recomputed_us(
    indicators: Sequence[Indicator], columns: dict[str, Floats], keep: int, closes: int
) -> list[float]:
    """Return what it would cost to compute everything anew at a close; a tenth of them do."""

    def close(end: int) -> None:
        _in_columns(indicators, {name: each[end - keep : end] for name, each in columns.items()})

    return each_us(close, range(keep, keep + closes // 10))


def _of_base(indicators: Sequence[BaseIndicator], columns: dict[str, Floats]) -> list[Floats]:
    shared = BaseColumns(columns)
    return [indicator.series(shared) for indicator in indicators]


def _in_columns(indicators: Sequence[Indicator], columns: dict[str, Floats]) -> list[Floats]:
    return [output for indicator in indicators for output in indicator.batch(columns)]
