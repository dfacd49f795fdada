"""Frames to predictions and outcomes on one core, as fast as it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

from exchanges.catalogue import venue_named
from marketstream.topics import OUTCOMES, PREDICTIONS
from predictor.training.fitting import TrainedModel
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.load import (
    EXCHANGE,
    FRAMES_PER_READ,
    HORIZONS,
    READ_US,
    SYMBOLS,
    Load,
    fixed_models,
    make_intake,
    make_load,
    make_pipeline,
    play,
)
from realtime_bench.timing import one_core, timed
from realtime_training.settings import Settings, load_all

_BUSY, _SPARSE = 1_000, 30  # trades per second and market
_TRADES, _SPARSE_TRADES = 1_000_000, 60_000
_QUICK = 50  # times less


def bench_replay(effort: Effort, say: Say) -> Measured:
    """Measure trades per second of the whole line and of its parts: see docs/performance.md."""
    settings = load_all()
    less = _QUICK if effort.quick else 1
    say("training the model that will serve")
    models = fixed_models(settings)
    say("making the frames")
    per_second = _BUSY * len(SYMBOLS)
    busy = make_load(SYMBOLS, _BUSY, _TRADES / less / per_second)
    sparse = make_load(SYMBOLS, _SPARSE, _SPARSE_TRADES / less / (_SPARSE * len(SYMBOLS)))
    runs: dict[str, list[float]] = {
        "trades_per_second": [],
        "decode_only_per_second": [],
        "bare_decode_per_second": [],
        "sparse_trades_per_second": [],
    }
    with one_core() as core:
        for number in range(1, effort.runs + 1):
            say(f"run {number} of {effort.runs}")
            whole, counts = _whole(busy, settings, models)
            runs["trades_per_second"].append(whole)
            runs["decode_only_per_second"].append(_decoding(busy))
            runs["bare_decode_per_second"].append(_bare_decoding(busy, counts["trades"]))
            runs["sparse_trades_per_second"].append(_whole(sparse, settings, models)[0])
    conditions = {
        "frames": busy.frames,
        "sparse_frames": sparse.frames,
        "most_frames_per_read": FRAMES_PER_READ,
        "most_ms_per_read": READ_US / 1_000,
        "markets": len(SYMBOLS),
        "trades_per_second_of_a_market": _BUSY,
        "sparse_trades_per_second_of_a_market": _SPARSE,
        "candles": make_pipeline(busy, settings).plan.candle_timeframes,
        "horizons": list(HORIZONS),
        "model": "lightgbm, with both reference models beside it",
        "core": core,
        **counts,
    }
    return Measured(runs, conditions)


def _whole(
    load: Load, settings: Settings, models: Mapping[int, TrainedModel]
) -> tuple[float, Counter[str]]:
    """Return trades per second from frames to outcomes, and what came out."""
    pipeline = make_pipeline(load, settings)
    counts: Counter[str] = Counter()
    for market in load.markets:
        pipeline.predictor(market).install(models)
    for topic in (PREDICTIONS, OUTCOMES):
        pipeline.runner.tap(topic, partial(_count, counts, topic.name))
    intake = make_intake(load, pipeline)
    seconds, _ = timed(partial(play, load, intake))
    counts["trades"] = intake.counts().trades
    return counts["trades"] / seconds, counts


def _count(counts: Counter[str], name: str, _message: object, _received_ns: int) -> None:
    counts[name] += 1


def _decoding(load: Load) -> float:
    """Return trades per second from frames to Trades messages."""
    intake = make_intake(load, None)
    seconds, _ = timed(partial(play, load, intake))
    return intake.counts().trades / seconds


def _bare_decoding(load: Load, trades: int) -> float:
    """Return trades per second of the parser in a loop that does nothing with what it says."""
    parse = venue_named(EXCHANGE).stream(load.symbols, EXCHANGE).parse

    def decode() -> None:
        for read in load.reads:
            for _, frame in read.frames:
                parse(frame)

    seconds, _ = timed(decode)
    return trades / seconds
