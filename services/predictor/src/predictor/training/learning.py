"""Beside the stream: what each market is trained on, when, and which models serve it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from marketstream.errors import SettingsError
from marketstream.messages import Features, Prediction
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.stage import Stage
from marketstream.store.writer import StoreWriter
from predictor.policy.installation import note_installed
from predictor.serving.operator import Predictor
from predictor.serving.stage import predictor_stage
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.history import FeatureHistory
from predictor.training.process import TrainerProcess
from predictor.training.requests import Registration
from predictor.training.retraining import Retrainer, Trained, TrainingJob

_CHAMPIONS_WITHIN_S = 60.0
_RECENT_S = 5.0

type Models = Mapping[int, TrainedModel]


class Learning:
    """Keeps models of all markets trained while a runner drives their operators.

    The runner's thread calls everything here; only the training process is waited for elsewhere,
    on an event loop of its own. What it brings is installed between two messages.
    """

    def __init__(
        self,
        plan: Plan,
        settings: PredictorSettings,
        registration: Registration,
        *,
        said: Callable[[], Mapping[str, Sequence[Prediction]]],
        writer: StoreWriter,
        metrics: Metrics,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._said = said
        self._recent: Mapping[str, Sequence[Prediction]] = {}
        self._recent_s = float("-inf")
        self._writer = writer
        self._metrics = metrics
        self._predictors: dict[str, Predictor] = {}
        self._models: dict[str, dict[int, TrainedModel]] = {}
        self._retrainers: dict[str, Retrainer] = {}
        self._newest_ms: dict[tuple[str, str], int] = {}
        self._streaming: set[str] = set()
        self._asked: dict[str, concurrent.futures.Future[dict[str, dict[int, TrainedModel]]]] = {}
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="training", daemon=True)
        self._trainer = TrainerProcess(metrics, registration)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._trainer.stop()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def stage(self) -> Stage:
        """Return the predictor's stage, whose operators serve the models of their markets."""
        plan = self._plan
        stage = predictor_stage(
            timeframe=plan.timeframe,
            base=plan.base,
            horizons_ms=plan.horizons_ms,
            grace_ms=self._settings.outcome_grace_ms,
        )

        def make_operator(market: str) -> Predictor:
            predictor: Predictor = stage.make_operator(market)  # type: ignore[assignment]
            predictor.install(self._models.get(market, {}))
            predictor.remember(self._said_of(market))
            self._predictors[market] = predictor
            return predictor

        return replace(stage, make_operator=make_operator)

    def _said_of(self, market: str) -> Sequence[Prediction]:
        """Return the newest predictions of a market; markets that begin together are read once."""
        if time.monotonic() - self._recent_s > _RECENT_S:
            self._recent, self._recent_s = self._said(), time.monotonic()
        return self._recent.get(market, ())

    def recall(self, past: Iterable[Features]) -> None:
        """Remember what came before a stop, and have the champions of its markets serve again."""
        for features in past:
            self._remember(features)
        concurrent.futures.wait(self._asked.values(), _CHAMPIONS_WITHIN_S)
        self._hear_news()

    def observe(self, features: Features, received_ns: int) -> None:
        """Remember a message that was not seen before; install what has been trained meanwhile.

        A market begins with its first vector: its registered champions are asked for, and once
        they serve a training follows, on what has been remembered by then.
        """
        del received_ns
        self._hear_news()
        market = features.market
        if market not in self._streaming:
            self._streaming.add(market)
            if market in self._retrainers and market not in self._asked:
                self._retrainers[market].begin()
        self._remember(features)

    def _remember(self, features: Features) -> None:
        series = (features.market, features.timeframe)
        if features.forming or features.close_time_ms <= self._newest_ms.get(series, -1):
            return
        self._newest_ms[series] = features.close_time_ms
        retrainer = self._retrainers.get(features.market)
        if retrainer is None:
            if not features.values:
                return
            retrainer = self._begin(features)
        retrainer.observe(features)

    def _hear_news(self) -> None:
        while not self._news.empty():
            self._news.get()()
        for market in [market for market, asked in self._asked.items() if asked.done()]:
            champions = self._asked.pop(market).result()
            self._retrainers[market].restore(champions.get(market, {}))
            if market in self._streaming:
                self._retrainers[market].begin()

    def _begin(self, first: Features) -> Retrainer:
        plan, settings, market = self._plan, self._settings, first.market
        unknown = sorted(set(settings.features) - set(first.values))
        if unknown:
            raise SettingsError(
                f"features: {unknown[0]} is not computed: add it to "
                "technical_indicators/config.yaml, or choose among " + ", ".join(first.values)
            )
        retrainer = self._retrainers[market] = Retrainer(
            market,
            FeatureHistory(
                tuple(first.values), plan.timeframe, plan.base, settings.training.most_rows
            ),
            plan.horizons_ms,
            settings,
            every_ms=settings.training.retrain_interval * 1_000,
            latency_ms=plan.latency_ms,
            execute=self._execute,
            install=lambda models: self._install(market, models),
        )
        retrainer.hold()
        self._asked[market] = asyncio.run_coroutine_threadsafe(
            self._trainer.champions([market], plan.horizons_ms, first.feature_set), self._loop
        )
        return retrainer

    def _execute(self, job: TrainingJob, trained: Trained) -> None:
        def finished(models: Models) -> None:
            self._news.put(lambda: trained(models))

        self._loop.call_soon_threadsafe(self._trainer.execute, job, finished)

    def _install(self, market: str, models: Models) -> None:
        self._models.setdefault(market, {}).update(models)
        if market in self._predictors:
            self._predictors[market].install(models)
        note_installed(
            market, self._plan.timeframe, models.values(),
            writer=self._writer, metrics=self._metrics,
        )  # fmt: skip
