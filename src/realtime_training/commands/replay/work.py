"""A recording through the whole pipeline, as fast as it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from marketstream.errors import InputError
from marketstream.messages import Candle, Features
from marketstream.plan import Plan
from marketstream.scoring import Scoreboard
from marketstream.symbols import market_of, split_market
from marketstream.topics import CANDLES, DEAD_LETTERS, FEATURES, OUTCOMES, PREDICTIONS
from predictor.training.retraining import Trained, TrainingJob
from realtime_training.pipeline import Pipeline
from realtime_training.recorded_feed import FRAMES_PER_READ, feed_recording
from realtime_training.settings import Settings


class Replay:
    """One market's recording: wired at once, run once, summed up after."""

    def __init__(
        self,
        symbol: str,
        timeframe: str,
        horizons: Sequence[int],
        settings: Settings,
        *,
        latency_ms: int = 0,
        retrain_every_ms: int = 60_000,
    ) -> None:
        self.market = market_of(settings.trades.exchange, symbol)
        self._settings = settings
        plan = Plan(
            (self.market,),
            timeframe,
            tuple(horizons),
            tuple(settings.candles.timeframes),
            latency_ms,
        )
        self.pipeline = Pipeline(
            plan,
            settings.features,
            settings.predictor,
            retrain_every_ms=retrain_every_ms,
            execute=_at_once,
        )
        self.scoreboard = Scoreboard()
        self._counts: Counter[str] = Counter()
        runner = self.pipeline.runner
        runner.tap(CANDLES, self._count_candle)
        runner.tap(FEATURES, self._count_features)
        runner.tap(DEAD_LETTERS, lambda _message, _ns: self._counts.update(["dead_letters"]))
        runner.tap(PREDICTIONS, lambda prediction, _ns: self.scoreboard.predicted(prediction))
        runner.tap(OUTCOMES, lambda outcome, _ns: self.scoreboard.happened(outcome))

    def _count_candle(self, candle: Candle, _received_ns: int) -> None:
        is_new = candle.revision == 0 and candle.timeframe == self.pipeline.plan.timeframe
        self._counts["candles"] += is_new

    def _count_features(self, features: Features, _received_ns: int) -> None:
        self._counts["features"] += features.timeframe == self.pipeline.plan.timeframe

    def run(
        self,
        paths: Sequence[Path],
        *,
        advanced: Callable[[int], None] | None = None,
        frames_per_read: int = FRAMES_PER_READ,
    ) -> dict[str, Any]:
        """Read the files and return the summary; InputError where they hold nothing of the symbol.

        `trades_per_second` counts everything, reading, parsing and training included.
        """
        symbol = split_market(self.market)[1]
        plan = self.pipeline.plan
        started = perf_counter()
        counts = feed_recording(
            paths,
            self.market,
            plan.base,
            self._settings.trades,
            self.pipeline.runner,
            advanced=advanced,
            frames_per_read=frames_per_read,
        )
        seconds = perf_counter() - started
        if counts.trades == 0:
            raise InputError(
                f"no trades of {symbol} in {', '.join(str(path) for path in paths)} "
                f"({counts.frames} lines: {counts.ignored} of other channels or symbols, "
                f"{counts.dead_letters} unreadable): replay takes recorded "
                f"{self._settings.trades.exchange} WebSocket frames, one JSON frame per line; "
                "is --symbol right?"
            )
        return {
            "symbol": symbol,
            "timeframe": plan.timeframe,
            "label": "mid",
            "latency_ms": plan.latency_ms,
            "trades": counts.trades,
            "quotes": counts.quotes,
            "dead_letters": self._counts["dead_letters"],
            "ignored": counts.ignored,
            "duplicates": counts.duplicates,
            "missing": counts.missing,
            "candles": self._counts["candles"],
            "features": self._counts["features"],
            "seconds": round(seconds, 3),
            "trades_per_second": round(counts.trades / seconds),
            "horizons": {
                str(horizon): {"horizon_ms": horizon_ms, **self._score(horizon_ms)}
                for horizon, horizon_ms in zip(plan.horizons, plan.horizons_ms, strict=True)
            },
        }

    def _score(self, horizon_ms: int) -> dict[str, Any]:
        score: dict[str, Any] = msgspec.to_builtins(self.scoreboard.score(horizon_ms))
        return score


def _at_once(job: TrainingJob, trained: Trained) -> None:
    trained(job.run())
