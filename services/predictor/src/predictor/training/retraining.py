"""When to train: by market time, on a copy of what was seen, with the work done elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from marketstream.columns import FeatureTable, PriceSeries
from marketstream.evidence import Streams
from marketstream.messages import Features, Learning, Outcome, Prediction
from marketstream.timeframes import timeframe_ms
from predictor.gates.distribution import Distribution
from predictor.settings import PredictorSettings
from predictor.training.drift import Drift, DriftCause
from predictor.training.fitting import TrainedModel, train_horizons
from predictor.training.history import FeatureHistory
from predictor.training.prices import Label, start_latency_ms

_QUOTES_WORTH_TRAINING_MS = 300_000
_SMALL_SETS_MS = (300_000, 600_000, 1_200_000, 2_400_000)

type Cause = Literal["first", "interval", "more data", "quotes", "again"] | DriftCause
type Install = Callable[[Mapping[int, TrainedModel]], None]


class Trained(Protocol):
    """Told how a training ended: with models, or why there are none."""

    def __call__(
        self,
        models: Mapping[int, TrainedModel],
        failure: str | None = None,
        refusal: str | None = None,
        stays: tuple[int, ...] = (),
        distributions: Mapping[str, Distribution] = MappingProxyType({}),
    ) -> None:
        """Take the models by horizon; `failure` may be gone soon, a `refusal` is of the data.

        `stays` are the horizons whose serving model was not beaten, `distributions` those of the
        set's features, as far as they are known.
        """
        ...


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What data a model was trained on; times are closes, the first and the last row's."""

    market: str
    timeframe: str
    first_close_ms: int
    last_close_ms: int
    feature_set: str
    label: Label


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Everything one training needs, ready to be sent to another process.

    `serving` are the models that serve, by horizon. The `cause` says why it came, and `detail` in
    figures what a drift is.
    """

    market: str
    table: FeatureTable
    prices: PriceSeries
    horizons_ms: tuple[int, ...]
    settings: PredictorSettings
    trained_at_ms: int
    latency_ms: int
    label: Label = "mid"
    feature_set: str = ""
    serving: Mapping[int, TrainedModel] = field(default_factory=dict)
    cause: Cause = "first"
    detail: str | None = None

    def trained_on(self, timeframe: str) -> TrainedOn:
        """Return what this trains on, of rows of a timeframe."""
        times = self.table.close_time_ms
        return TrainedOn(
            market=self.market,
            timeframe=timeframe,
            first_close_ms=int(times[0]),
            last_close_ms=int(times[-1]),
            feature_set=self.feature_set,
            label=self.label,
        )

    def run(self) -> dict[int, TrainedModel]:
        """Train; return a model for each horizon with enough rows."""
        return train_horizons(
            self.table, self.prices, self.horizons_ms, self.settings,
            trained_at_ms=self.trained_at_ms, latency_ms=self.latency_ms, label=self.label,
            serving=self.serving,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the first model is: market time seen and needed, and whether the book was seen."""

    seen_ms: int
    needed_ms: int
    book: bool
    trained: bool


class Retrainer:
    """Has models trained every `every_ms` of one market's time, and small sets sooner.

    What 5, 10, 20 and 40 minutes of data give is better than what came before, so they are trained
    on as they come, counted from the first data that the label can be told of.

    The label is the mid once the book has been seen for long enough, the fair mid before that: an
    exchange gives trades of the past, but no quotes. The first five minutes of quotes are a reason
    to train again at once.

    `execute` runs a job and hands its models to the callback, at once or later; while a job runs no
    second one starts. As long as a horizon has no model for want of data, the next try comes soon.
    So it does after a training that failed, then later and later, up to the interval.
    Where a drift is shown, a training comes before its time, but none soon after another, and ever
    later until an interval has passed in which none was found.
    `quote_lag_ms` tells how far quotes are behind the trades that they explain, by then.
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
        install: Install,
        quote_lag_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._market = market
        self._history = history
        self._horizons_ms = horizons_ms
        self._settings = settings
        self._every_ms = every_ms
        self._first_after_ms = settings.training.first_after * 1_000
        self._latency_ms = latency_ms
        self._quote_lag_ms = quote_lag_ms
        self._execute = execute
        self._install = install
        self._started_ms: int | None = None
        self._due_ms = 0
        self._turn_ms = 0  # what is due by the interval alone
        self._now_ms = 0
        self._running = False
        self._untrained = set(horizons_ms)
        self._serving: dict[int, TrainedModel] = {}
        self._soon_ms = self._first_after_ms // 4
        self._patience_ms = self._soon_ms  # after the next failure
        self._trainings: Counter[int] = Counter()
        self._cause: Cause = "first"
        every_row_ms = timeframe_ms(history.timeframe)
        self._drift = Drift(
            {h: Streams.foreseen(h, every_row_ms, latency_ms) for h in horizons_ms},
            settings.training.drift,
        )
        self._least_after_ms = settings.training.drift.least_after * 1_000
        self._calm_ms = self._least_after_ms  # after a training, until a drift may bring the next
        self._calm_until_ms = 0
        self._drifted = False  # since the last training by the interval
        self._shown: tuple[str | None, int | None] = None, None
        self._failure: str | None = None
        self._held = False
        self._book_from_ms: int | None = None
        self._label: Label | None = None
        self._feature_set = ""

    def observe(self, features: Features) -> None:
        """Remember a message, and train where the time has come."""
        self._history.append(features)
        self._now_ms = features.close_time_ms
        self._feature_set = features.feature_set
        if self._book_from_ms is None and features.mid is not None:
            self._book_from_ms = self._now_ms
        if self._started_ms is None:
            self._started_ms = self._now_ms
            self._due_ms = self._now_ms + self._first_after_ms
        if not features.values:
            return
        self._drift.features.observe(self._history)
        if not (self._held or self._running):
            self._train_where_due()

    def judge(self, message: Prediction | Outcome) -> None:
        """Note what was predicted, or what came of it: a loss that rises is a reason to train."""
        self._drift.hear(message)

    def restore(self, models: Mapping[int, TrainedModel]) -> None:
        """Have models of an earlier start serve until the first training of this one."""
        self._untrained -= models.keys()
        if models:
            self._serve(models)

    def hold(self) -> None:
        """Remember what comes, and train on none of it, until `begin`."""
        self._held = True

    def begin(self) -> None:
        """Train at once where there is enough already; from now on, when it is due."""
        self._held = False
        seen_ms = self.progress.seen_ms
        if self._running or seen_ms < self._first_after_ms:
            return
        self._train(self._cause)

    def _train_where_due(self) -> None:
        if self._label == "fair" and self._book_ms() >= _QUOTES_WORTH_TRAINING_MS:
            self._train("quotes")
        elif self._now_ms >= self._due_ms:
            if self._cause == "interval":
                self._look_back()
            self._train(self._cause)
        elif self._now_ms >= self._calm_until_ms and (found := self._drift.found) is not None:
            self._calm_ms = min(2 * self._calm_ms, self._every_ms)
            self._shown = f"{found[0]}: {found[1]}", self._now_ms
            self._drifted = True
            self._drift.heard()
            self._train(*found)

    def _look_back(self) -> None:
        """Take drifts as before again, after an interval in which none was found."""
        if self._drifted or self._drift.found is not None:
            self._drift.heard()
        else:
            self._calm_ms = self._least_after_ms
            self._drift.forget()
        self._drifted = False

    def _book_ms(self) -> int:
        return 0 if self._book_from_ms is None else self._now_ms - self._book_from_ms

    def _train(self, cause: Cause, detail: str | None = None) -> None:
        self._running = True
        self._calm_until_ms = self._now_ms + self._calm_ms
        enough = self._first_after_ms if self._label is None else _QUOTES_WORTH_TRAINING_MS
        self._label = "mid" if self._label == "mid" or self._book_ms() >= enough else "fair"
        self._turn_ms = self._now_ms + self._every_ms
        self._due_ms = min(self._turn_ms, self._now_ms + self._to_next_set_ms())
        self._cause = "interval" if self._due_ms == self._turn_ms else "more data"
        prices = self._history.prices()
        job = TrainingJob(
            market=self._market,
            table=self._history.table(),
            prices=prices,
            horizons_ms=self._horizons_ms,
            settings=self._settings,
            trained_at_ms=self._now_ms,
            latency_ms=start_latency_ms(self._latency_ms, self._quote_lag_ms(), prices.base_ms),
            label=self._label,
            feature_set=self._feature_set,
            serving=dict(self._serving),
            cause=cause,
            detail=detail,
        )
        self._execute(job, self._finished)

    def _to_next_set_ms(self) -> int:
        """Return in how long there are data for the next of the small sets, if for any."""
        since_ms = self._book_from_ms if self._label == "mid" else self._started_ms
        data_ms = 0 if since_ms is None else self._now_ms - since_ms
        return next((size - data_ms for size in _SMALL_SETS_MS if size > data_ms), self._every_ms)

    def _serve(self, models: Mapping[int, TrainedModel]) -> None:
        self._serving.update(models)
        for horizon_ms, model in models.items():
            self._drift.losses[horizon_ms].begin(model.expected_loss)
        self._install(models)

    def _finished(
        self,
        models: Mapping[int, TrainedModel],
        failure: str | None = None,
        refusal: str | None = None,
        stays: tuple[int, ...] = (),
        distributions: Mapping[str, Distribution] = MappingProxyType({}),
    ) -> None:
        self._running = False
        if distributions:
            self._drift.features.begin(distributions)
        for horizon_ms in stays:  # which has been looked at: the next alarm is another one
            self._drift.losses[horizon_ms].begin(self._serving[horizon_ms].expected_loss)
        self._untrained -= models.keys() | set(stays)
        self._trainings.update(models.keys())
        self._failure = refusal if failure is None else failure
        if models:
            self._serve(models)
        elif self._failure is None and not stays:
            fewest = self._settings.training.fewest_moved
            self._failure = f"too little data: fewer than {fewest} rows whose price moved"
        if failure is not None:
            self._due_ms = min(self._turn_ms, self._now_ms + self._patience_ms)
            self._cause = "again"
            self._patience_ms = min(2 * self._patience_ms, self._every_ms)
            return
        self._patience_ms = self._soon_ms
        if self._untrained:
            self._due_ms = min(self._due_ms, self._now_ms + self._soon_ms)
            self._cause = "again"

    @property
    def progress(self) -> Progress:
        """How far the first model is."""
        started_ms = self._now_ms if self._started_ms is None else self._started_ms
        trained = len(self._untrained) < len(self._horizons_ms)
        return Progress(
            self._now_ms - started_ms, self._first_after_ms, self._book_from_ms is not None, trained
        )

    @property
    def learning(self) -> Learning:
        """What is said of it all: how far it is, how often it was trained, why nothing came."""
        progress = self.progress
        return Learning(
            progress.seen_ms, progress.needed_ms, progress.book,
            dict(self._trainings), self._failure, *self._shown,
        )  # fmt: skip
