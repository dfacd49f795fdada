"""Beside the stream: what each market is trained on, when, and which models serve it."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any, cast

from loguru import logger
from msgspec.structs import replace

from marketstream.messages import Features, Feed, HowFar, Learning, Outcome, Prediction, Status
from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.topics import FEATURES
from predictor.chosen_features import check_computed
from predictor.gates.distribution import Distribution
from predictor.policy.installation import note_installed
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.history import FeatureHistory
from predictor.training.needed import needed_ms
from predictor.training.process import TrainerProcess
from predictor.training.requests import Serving
from predictor.training.retraining import Retrainer, Trained, TrainingJob
from predictor.training.workshop import Order

_PAST_MS = 3_600_000
_CHAMPIONS_WITHIN_S = 60.0
_LOOK_EVERY_S = 10.0

type Models = Mapping[int, TrainedModel]


class MarketsLearning:
    """Keeps models of all markets trained while a runner drives their operators.

    The runner's thread calls everything here but `tell` and `hear`; the training process is waited
    for in the workshop's loop, and what it brings is installed between two messages.

    A market begins with its first vector: its registered champions are asked for, and what is
    `kept` of an earlier start serves until they answer. Both wait until the market is live, which
    is when somebody received what it follows from: of older closes the end is known already. Once
    it is, and the registry has answered, it is trained on what has been remembered by then.
    """

    def __init__(
        self,
        plan: Plan,
        settings: PredictorSettings,
        ports: Ports,
        *,
        order: Callable[[Order], None],
        install: Callable[[str, Models], None],
        kept: Callable[[str, str], Models],
        how_far: Callable[[str], HowFar] | None = None,
    ) -> None:
        self._how_far = how_far
        self._kept = kept
        self._plan = plan
        self._settings = settings
        self._ports = ports
        self._order = order
        self._serve = install
        self._retrainers: dict[str, Retrainer] = {}
        self._lags_ms: dict[str, int] = {}
        self._newest_ms: dict[tuple[str, str], int] = {}
        self._heard: set[str] = set()
        self._live: set[str] = set()
        self._asked: set[str] = set()
        self._unserved: set[str] = set()  # of those asked for, without a model of each horizon
        self._found: dict[str, dict[int, TrainedModel]] = {}
        self._serving: dict[str, dict[int, tuple[str, int]]] = {}
        self._feature_sets: dict[str, str] = {}
        self._looking_from_s = 0.0
        self._recalling = False
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._recalled = False
        self._installed = False

    def recall(self) -> None:
        """Remember what came before a stop, once, and have the champions of its markets serve."""
        if self._recalled:
            return
        self._recalled = True
        past = self._ports.tail(FEATURES, self._plan.markets, _is_enough)
        for tail in cast("Mapping[str, Sequence[Features]]", past).values():
            for features in tail:
                if not features.forming:
                    self._remember(features)
        self._recalling = True
        deadline_s = time.monotonic() + _CHAMPIONS_WITHIN_S
        try:
            while self._unserved:  # or what comes first would be answered by no model
                self._news.get(timeout=max(0.0, deadline_s - time.monotonic()))()
        except Empty:
            logger.warning("Champions are late", markets=sorted(self._unserved))
        self._recalling = False

    def observe(self, features: Features, received_ns: int) -> None:
        """Remember a message that was not seen before; install what has been trained meanwhile."""
        self.recall()
        while not self._news.empty():
            self._news.get()()
        if features.forming:
            return
        market = features.market
        if market not in self._heard:
            self._heard.add(market)
            self._order(lambda _trainer: self._say(market))
        if received_ns and market not in self._live:
            self._live.add(market)
            self._serve_found(market)
            self._begin_training(market)
        self._remember(features)

    def judge(self, message: Prediction | Outcome, received_ns: int) -> None:
        """Note what was predicted, or what came of it, once somebody watches the market."""
        del received_ns
        retrainer = self._retrainers.get(message.market)
        if retrainer is not None and message.market in self._live:
            retrainer.judge(message)

    def hear(self, status: Status, received_ns: int) -> None:
        """Note how far the quotes of a market are behind its trades; from any thread."""
        del received_ns
        if isinstance(status.said, Feed) and status.said.quote_lag_ms is not None:
            self._lags_ms[status.market] = status.said.quote_lag_ms

    async def tell(self) -> None:
        """Publish how the learning of each market is that has been heard of."""
        for market in self._plan.markets:
            if market in self._heard:
                self._say(market)
        if time.monotonic() >= self._looking_from_s:
            self._looking_from_s = float("inf")  # until it has been answered
            self._order(self._look)
        await self._ports.drain()

    async def _look(self, trainer: TrainerProcess) -> None:
        """Have champions serve that somebody else made it, in the registry."""
        versions = {
            market: {horizon_ms: version for horizon_ms, (version, _) in dict(serving).items()}
            for market, serving in dict(self._serving).items()
            if market not in self._asked
        }
        try:
            changed = await trainer.changed(Serving(versions, dict(self._feature_sets)))
        finally:
            self._looking_from_s = time.monotonic() + _LOOK_EVERY_S
        self._news.put(lambda: self._take_over(changed))

    def _take_over(self, changed: Mapping[str, Models]) -> None:
        for market, models in changed.items():
            self._found.setdefault(market, {}).update(models)
            self._serve_found(market)

    def _say(self, market: str) -> None:
        retrainer = self._retrainers.get(market)
        nothing = Learning(0, 0, book=False, trainings={})
        said = nothing if retrainer is None else retrainer.learning
        needed = needed_ms(self._plan, self._settings.training)
        how_far = None if self._how_far is None else self._how_far(market)
        told = replace(said, needed_ms=needed, how_far=how_far)
        self._ports.publish(Status(market, "predictor", told))

    def _remember(self, features: Features) -> None:
        series = (features.market, features.timeframe)
        if features.close_time_ms <= self._newest_ms.get(series, -1):
            return
        self._newest_ms[series] = features.close_time_ms
        retrainer = self._retrainers.get(features.market)
        if retrainer is None:
            if not features.values:
                return
            retrainer = self._begin(features)
        retrainer.observe(features)

    def _begin(self, first: Features) -> Retrainer:
        plan, settings, market = self._plan, self._settings, first.market
        check_computed(settings.features, tuple(first.values))
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
            quote_lag_ms=lambda: self._lags_ms.get(market, 0),
        )
        retrainer.hold()
        self._feature_sets[market] = first.feature_set
        self._asked.add(market)
        self._unserved.add(market)
        self._order(lambda trainer: self._ask(trainer, market, first.feature_set))
        return retrainer

    async def _ask(self, trainer: TrainerProcess, market: str, feature_set: str) -> None:
        asking = asyncio.create_task(
            trainer.champions([market], self._plan.horizons_ms, feature_set)
        )
        kept = await asyncio.to_thread(self._kept, market, feature_set)
        self._news.put(lambda: self._serve_meanwhile(market, kept))
        found = await asking
        self._news.put(lambda: self._restore(market, found.get(market, {})))

    def _serve_meanwhile(self, market: str, kept: Models) -> None:
        self._found[market] = dict(kept)
        self._serve_found(market)
        if kept.keys() >= set(self._plan.horizons_ms):
            self._unserved.discard(market)

    def _restore(self, market: str, champions: Models) -> None:
        self._asked.remove(market)
        self._unserved.discard(market)
        self._found.setdefault(market, {}).update(champions)
        self._serve_found(market)
        self._begin_training(market)

    def _serve_found(self, market: str) -> None:
        """Have what was found serve, but for what does so already."""
        if market not in self._live and not self._recalling:
            return
        serving = self._serving.setdefault(market, {})
        found = self._found.pop(market, {})
        news = {h: model for h, model in found.items() if serving.get(h) != _named(model)}
        if news:
            self._retrainers[market].restore(news)

    def _begin_training(self, market: str) -> None:
        if market in self._live and market in self._retrainers and market not in self._asked:
            self._retrainers[market].begin()

    def _execute(self, job: TrainingJob, trained: Trained) -> None:
        def finished(
            models: Models,
            failure: str | None = None,
            refusal: str | None = None,
            stays: tuple[int, ...] = (),
            distributions: Mapping[str, Distribution] = MappingProxyType({}),
        ) -> None:
            self._news.put(lambda: trained(models, failure, refusal, stays, distributions))

        self._ports.metrics.model_causes.labels(job.market, job.cause).inc()
        logger.info("Training", market=job.market, cause=job.cause, detail=job.detail)

        self._order(lambda trainer: trainer.execute(job, finished))

    def _install(self, market: str, models: Models) -> None:
        if not self._installed:
            self._installed = True
            # What is there by now stays: a full collection over it would hold up predictions.
            gc.collect()
            gc.freeze()
        self._serve(market, models)
        serving = self._serving.setdefault(market, {})
        serving |= {horizon_ms: _named(model) for horizon_ms, model in models.items()}
        installed = note_installed(
            market,
            self._plan.timeframe,
            models.values(),
            configured=self._settings.model.type,
            metrics=self._ports.metrics,
        )

        def publish(_trainer: TrainerProcess) -> None:
            for model in installed:
                self._ports.publish(model)

        self._order(publish)


def _named(model: TrainedModel) -> tuple[str, int]:
    return model.version, model.trained_at_ms


def _is_enough(tail: Sequence[Any]) -> bool:
    return bool(tail) and tail[-1].close_time_ms - tail[0].close_time_ms >= _PAST_MS
