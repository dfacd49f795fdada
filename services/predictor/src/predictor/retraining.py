"""When to train: by market time, on a copy of what was seen, with the work done elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from marketstream.messages import Features
from marketstream.tables import FeatureTable
from predictor.history import FeatureHistory
from predictor.prices import PriceSeries
from predictor.settings import PredictorSettings
from predictor.training import TrainedModel, train_horizons

type Trained = Callable[[Mapping[int, TrainedModel]], None]


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Everything one training needs, ready to be sent to another process."""

    market: str
    table: FeatureTable
    prices: PriceSeries
    horizons_ms: tuple[int, ...]
    settings: PredictorSettings
    trained_at_ms: int
    latency_ms: int

    def run(self) -> dict[int, TrainedModel]:
        """Train; return a model for each horizon with enough rows."""
        return train_horizons(
            self.table, self.prices, self.horizons_ms, self.settings,
            trained_at_ms=self.trained_at_ms, latency_ms=self.latency_ms,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the first model is: market time seen and needed, and whether the book was seen."""

    seen_ms: int
    needed_ms: int
    book: bool
    trained: bool


class Retrainer:
    """Has models trained every `every_ms` of one market's time.

    `execute` runs a job and hands its models to the callback, at once or later; while a job runs no
    second one starts.
    """

    def __init__(
        self,
        market: str,
        history: FeatureHistory,
        horizons_ms: tuple[int, ...],
        settings: PredictorSettings,
        *,
        every_ms: int,
        latency_ms: int,
        execute: Callable[[TrainingJob, Trained], None],
        install: Trained,
    ) -> None:
        self._market = market
        self._history = history
        self._horizons_ms = horizons_ms
        self._settings = settings
        self._every_ms = every_ms
        self._first_after_ms = settings.training.first_after * 1_000
        self._latency_ms = latency_ms
        self._execute = execute
        self._install = install
        self._started_ms: int | None = None
        self._due_ms = 0
        self._now_ms = 0
        self._running = False
        self._trained = False
        self._book = False

    def observe(self, features: Features) -> None:
        """Remember a message, and train where the time has come."""
        self._history.append(features)
        self._now_ms = features.close_time_ms
        self._book = self._book or features.mid is not None
        if self._started_ms is None:
            self._started_ms = self._now_ms
            self._due_ms = self._now_ms + self._first_after_ms
        if self._now_ms >= self._due_ms and features.values and not self._running:
            self._train()

    def _train(self) -> None:
        self._running = True
        self._due_ms = self._now_ms + self._every_ms
        job = TrainingJob(
            market=self._market,
            table=self._history.table(),
            prices=self._history.prices(),
            horizons_ms=self._horizons_ms,
            settings=self._settings,
            trained_at_ms=self._now_ms,
            latency_ms=self._latency_ms,
        )
        self._execute(job, self._finished)

    def _finished(self, models: Mapping[int, TrainedModel]) -> None:
        self._running = False
        if models:
            self._trained = True
            self._install(models)
        elif not self._trained:  # without a first model, try again soon
            self._due_ms = self._now_ms + self._first_after_ms // 4

    @property
    def progress(self) -> Progress:
        """How far the first model is."""
        started_ms = self._now_ms if self._started_ms is None else self._started_ms
        return Progress(self._now_ms - started_ms, self._first_after_ms, self._book, self._trained)
