"""A recording through the whole pipeline, as fast as it goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from marketstream.errors import InputError
from marketstream.messages import Candle, DeadLetter, Features
from marketstream.plan import Plan
from marketstream.scoring import Scoreboard
from marketstream.symbols import market_of, split_market
from marketstream.topics import CANDLES, DEAD_LETTERS, FEATURES, OUTCOMES, PREDICTIONS
from predictor.training.retraining import Trained, TrainingJob
from realtime_training.beside import by_market, together
from realtime_training.pipeline import Pipeline
from realtime_training.recorded_feed import FRAMES_PER_READ, feed_together
from realtime_training.settings import Settings
from trades.intake import Counts


class Replay:
    """A market's recording, and those of others `beside` it: wired at once, run once, summed up."""

    def __init__(
        self,
        symbol: str,
        timeframe: str,
        horizons: Sequence[int],
        settings: Settings,
        *,
        latency_ms: int = 0,
        retrain_every_ms: int = 60_000,
        beside: Iterable[tuple[str, Path]] = (),
    ) -> None:
        self.market = market_of(settings.trades.exchange, symbol)
        self._settings = settings
        self._beside = by_market(beside, self.market)
        plan = Plan(
            (self.market, *self._beside),
            timeframe,
            tuple(horizons),
            settings.timeframes,
            latency_ms,
            together(self.market, self._beside),
        )
        self.pipeline = Pipeline(
            plan,
            settings.features,
            settings.predictor,
            retrain_every_ms=retrain_every_ms,
            execute=_at_once,
        )
        self._scoreboards = {market: Scoreboard() for market in plan.markets}
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._dead_letters = 0
        runner = self.pipeline.runner
        runner.tap(CANDLES, self._count_candle)
        runner.tap(FEATURES, self._count_features)
        runner.tap(DEAD_LETTERS, self._count_dead_letter)
        boards = self._scoreboards
        runner.tap(
            PREDICTIONS, lambda prediction, _ns: boards[prediction.market].predicted(prediction)
        )
        runner.tap(OUTCOMES, lambda outcome, _ns: boards[outcome.market].happened(outcome))

    @property
    def scoreboard(self) -> Scoreboard:
        """The scores of the market itself."""
        return self._scoreboards[self.market]

    def _count_dead_letter(self, _letter: DeadLetter, _received_ns: int) -> None:
        self._dead_letters += 1

    def _count_candle(self, candle: Candle, _received_ns: int) -> None:
        is_new = candle.revision == 0 and candle.timeframe == self.pipeline.plan.timeframe
        self._counts[candle.market]["candles"] += is_new

    def _count_features(self, features: Features, _received_ns: int) -> None:
        is_decided_on = features.timeframe == self.pipeline.plan.timeframe
        self._counts[features.market]["features"] += is_decided_on

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
        started = perf_counter()
        counts = self._feed(paths, advanced, frames_per_read)
        seconds = perf_counter() - started
        for market, files in {self.market: paths, **self._beside}.items():
            if counts[market].trades == 0:
                raise _nothing_of(market, files, counts[market])
        plan = self.pipeline.plan
        own = counts[self.market]
        summary = {
            "symbol": split_market(self.market)[1],
            "timeframe": plan.timeframe,
            "label": "mid",
            "latency_ms": plan.latency_ms,
            **self._summary(self.market, own),
            "dead_letters": self._dead_letters
            - sum(counts[market].dead_letters for market in self._beside),
            "seconds": round(seconds, 3),
            "trades_per_second": round(sum(each.trades for each in counts.values()) / seconds),
            "horizons": self._scores(self.market),
        }
        if self._beside:
            summary["beside"] = {
                market: {**self._summary(market, counts[market]), "horizons": self._scores(market)}
                for market in self._beside
            }
        return summary

    def _feed(
        self,
        paths: Sequence[Path],
        advanced: Callable[[int], None] | None,
        frames_per_read: int,
    ) -> dict[str, Counts]:
        base, trades, runner = self.pipeline.plan.base, self._settings.trades, self.pipeline.runner
        files = {self.market: paths, **self._beside}
        return feed_together(
            files, base, trades, runner, advanced=advanced, frames_per_read=frames_per_read
        )

    def _summary(self, market: str, counts: Counts) -> dict[str, Any]:
        return {
            "trades": counts.trades,
            "quotes": counts.quotes,
            "dead_letters": counts.dead_letters,
            "ignored": counts.ignored,
            "duplicates": counts.duplicates,
            "missing": counts.missing,
            "candles": self._counts[market]["candles"],
            "features": self._counts[market]["features"],
        }

    def _scores(self, market: str) -> dict[str, Any]:
        plan = self.pipeline.plan
        board = self._scoreboards[market]
        return {
            str(horizon): {"horizon_ms": horizon_ms, **msgspec.to_builtins(board.score(horizon_ms))}
            for horizon, horizon_ms in zip(plan.horizons, plan.horizons_ms, strict=True)
        }


def _nothing_of(market: str, paths: Sequence[Path], counts: Counts) -> InputError:
    venue, symbol = split_market(market)
    return InputError(
        f"no trades of {symbol} in {', '.join(str(path) for path in paths)} ({counts.frames} "
        f"lines: {counts.ignored} of other channels or symbols, {counts.dead_letters} unreadable): "
        f"replay takes recorded {venue} WebSocket frames, one JSON frame per line; is --symbol "
        "right?"
    )


def _at_once(job: TrainingJob, trained: Trained) -> None:
    trained(job.run())
