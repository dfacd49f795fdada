"""What the replay is fed with: a seeded market's frames, made beforehand, and a fixed model."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import batched, groupby
from pathlib import Path

import numpy as np

from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.venues.binance.frames import MarketFrames, combined
from exchanges.catalogue import venue_named
from marketstream.plan import Plan
from marketstream.symbols import market_of
from predictor.models import LEARNERS
from predictor.training.candidates import Candidate
from predictor.training.fitting import TrainedModel
from predictor.training.prices import label_prices, label_returns
from predictor.training.retraining import Trained, TrainingJob
from realtime_training.pipeline import Pipeline
from realtime_training.settings import Settings
from trades.intake import Intake
from trades.session.market import MarketSession
from trades.session.rules import Rules
from trades.sessions import in_ns

EXCHANGE = "binance"
TIMEFRAME = "1s"
HORIZONS = (1, 2, 5, 10)
SYMBOLS = tuple(
    f"{base}/USDT"
    for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "LINK", "DOT", "AVAX")
)
FRAMES_PER_READ = 256  # at most, about 45 kB: what a socket delivers at once to a busy reader
READ_US = 25_000  # of market time, at most
_START_US = 1_704_067_800_000_000  # ten minutes into 2024
_DELAY_US = 1_500
_TRAINING_S = 600


@dataclass(frozen=True, slots=True)
class Read:
    """The frames of one socket read, each after when it was received."""

    received_ns: int
    frames: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Load:
    """Socket reads of several markets, as one combined connection delivers them."""

    symbols: tuple[str, ...]
    decimals: Mapping[str, tuple[int, int]]
    reads: tuple[Read, ...]

    @property
    def markets(self) -> tuple[str, ...]:
        """The keys of the markets."""
        return tuple(market_of(EXCHANGE, symbol) for symbol in self.symbols)

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return sum(len(read.frames) for read in self.reads)

    def record(self, path: Path) -> Path:
        """Write the frames as a recording, compressed where its name ends with `.gz`."""
        lines = (
            b"%d %s\n" % (received_ns, frame)
            for read in self.reads
            for received_ns, frame in read.frames
        )
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wb") as file:
            file.writelines(lines)
        return path


def make_load(symbols: tuple[str, ...], trades_per_second: float, seconds: float) -> Load:
    """Make the frames of seeded markets, quotes included, in the order of their time."""
    rows: list[tuple[int, int, str, bytes]] = []
    decimals = {}
    for symbol in symbols:
        tape = SeededMarket(symbol, 1, trades_per_second=trades_per_second)
        decimals[symbol] = (tape.price_decimals, tape.quantity_decimals)
        rows += _rows(tape, _START_US + round(seconds * 1_000_000))
    rows.sort()
    return Load(symbols, decimals, tuple(_reads(rows)))


def _reads(rows: list[tuple[int, int, str, bytes]]) -> Iterator[Read]:
    for _, together in groupby(rows, lambda row: row[0] // READ_US):
        for part in batched(together, FRAMES_PER_READ):
            received_ns = (part[-1][0] + _DELAY_US) * 1_000
            yield Read(received_ns, tuple((received_ns, frame) for *_, frame in part))


def _rows(tape: SeededMarket, to_us: int) -> Iterator[tuple[int, int, str, bytes]]:
    wire_symbol = tape.symbol.replace("/", "")
    encode = MarketFrames(wire_symbol, tape.price_decimals, tape.quantity_decimals)
    trades, quotes = tape.trades(_START_US, to_us), tape.quotes(_START_US, to_us)
    for kind, columns, frames in (
        ("trade", trades, encode.trades(trades)),
        ("bookTicker", quotes, encode.quotes(quotes)),
    ):
        stream = f"{wire_symbol.lower()}@{kind}"
        times, order = columns.time_us.tolist(), columns.sequence.tolist()
        for time_us, sequence, frame in zip(times, order, frames, strict=True):
            yield time_us, sequence, stream, combined(stream, frame)


def make_intake(load: Load, pipeline: Pipeline | None) -> Intake:
    """Wire the way of frames to messages; without a pipeline nobody listens to those."""
    publish = in_ns((lambda _m, _ns: None) if pipeline is None else pipeline.runner.publish)
    sessions = {
        market: MarketSession(
            market, publish,
            Rules(
                price_decimals=load.decimals[symbol][0], quantity_decimals=load.decimals[symbol][1]
            ),
        )
        for market, symbol in zip(load.markets, load.symbols, strict=True)
    }  # fmt: skip
    stream = venue_named(EXCHANGE).stream(load.symbols, EXCHANGE)
    if pipeline is None:
        return Intake(stream, sessions, lambda _letter: None)
    return Intake(stream, sessions, pipeline.runner.publish)


def make_pipeline(
    load: Load, settings: Settings, jobs: list[TrainingJob] | None = None
) -> Pipeline:
    """Wire all operators with nothing trained; training jobs are only written down."""

    def note(job: TrainingJob, _trained: Trained) -> None:
        if jobs is not None:
            jobs.append(job)

    return Pipeline(
        Plan(load.markets, TIMEFRAME, HORIZONS, settings.timeframes),
        settings.features,
        settings.predictor,
        retrain_every_ms=_TRAINING_S * 1_000,
        execute=note,
    )


def play(load: Load, intake: Intake) -> None:
    """Have all frames taken in, read by read."""
    for read in load.reads:
        for notice in intake.take(read.frames):
            raise AssertionError(notice.text)
        intake.flush()


def fixed_models(settings: Settings, seconds: int = _TRAINING_S) -> dict[int, TrainedModel]:
    """Train a model per horizon, LightGBM serving whether it won or not: it costs the most."""
    training = settings.predictor.training.model_copy(update={"first_after": seconds - 30})
    predictor = settings.predictor.model_copy(update={"training": training})
    load = make_load(SYMBOLS[:1], 50, seconds)
    jobs: list[TrainingJob] = []
    pipeline = make_pipeline(load, replace(settings, predictor=predictor), jobs)
    play(load, make_intake(load, pipeline))
    [job] = jobs
    return {
        horizon_ms: replace(model, champion=_trees(job, horizon_ms))
        for horizon_ms, model in job.run().items()
    }


def _trees(job: TrainingJob, horizon_ms: int) -> Candidate:
    columns = tuple(job.settings.features)
    returns = label_returns(
        job.table.close_time_ms,
        label_prices(job.prices, job.label),
        job.prices,
        horizon_ms=horizon_ms,
    )
    moved = np.isfinite(returns) & (returns != 0)
    rows = job.table.columns(columns)[moved]
    return Candidate("lightgbm", columns, LEARNERS["lightgbm"](rows, returns[moved] > 0, {}))
