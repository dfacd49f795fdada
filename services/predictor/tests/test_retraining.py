from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace as replace_model
from itertools import count, islice
from typing import Any

import pytest
from msgspec.structs import replace

from marketstream.messages import Features, Learning, Outcome, Prediction
from predictor.settings import DriftSettings, PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.history import FeatureHistory
from predictor.training.retraining import Progress, Retrainer, Trained, TrainingJob

type MakeFeatures = Callable[..., Features]


class Desk:
    """Takes jobs and finishes them when told to, as a process beside this one would."""

    def __init__(self, settings: PredictorSettings, *, every_s: int = 100) -> None:
        self.jobs: list[TrainingJob] = []
        self.installed: list[Mapping[int, TrainedModel]] = []
        self._trained: Trained | None = None
        self.quote_lag_ms = 0
        self.retrainer = Retrainer(
            "binance:BTC/USDT",
            FeatureHistory(("imbalance",), "1s", "1s", 1_000),
            (1_000, 5_000),
            settings,
            every_ms=1_000 * every_s,
            latency_ms=20,
            execute=self._execute,
            install=self.installed.append,
            quote_lag_ms=lambda: self.quote_lag_ms,
        )

    def _execute(self, job: TrainingJob, trained: Trained) -> None:
        assert self._trained is None, "two at once"
        self.jobs.append(job)
        self._trained = trained

    def finish(self, models: Mapping[int, TrainedModel], **why: Any) -> None:
        trained, self._trained = self._trained, None
        assert trained is not None
        trained(models, **why)

    @property
    def started_s(self) -> list[int]:
        return [job.trained_at_ms // 1_000 for job in self.jobs]


@pytest.fixture
def desk(make_settings: Callable[..., PredictorSettings]) -> Desk:
    return Desk(make_settings(first_after=40))


@pytest.fixture
def models(make_model: Callable[..., TrainedModel]) -> dict[int, TrainedModel]:
    return {1_000: make_model(1_000), 5_000: make_model(5_000)}


def watch(desk: Desk, make_features: MakeFeatures, first_s: int, last_s: int) -> None:
    for second in range(first_s, last_s + 1):
        desk.retrainer.observe(make_features(1_000 * second, 100.0, imbalance=0.5))


def test_trains_after_the_first_stretch_and_then_at_the_interval(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1_000, 1_040)
    assert desk.started_s == [1_040]
    desk.finish(models)
    assert desk.installed == [models]
    watch(desk, make_features, 1_041, 1_139)
    assert desk.started_s == [1_040]
    watch(desk, make_features, 1_140, 1_140)
    desk.finish(models)
    watch(desk, make_features, 1_141, 1_300)
    assert desk.started_s == [1_040, 1_140, 1_240]


def test_job_holds_what_was_seen_when_it_started(desk: Desk, make_features: MakeFeatures) -> None:
    watch(desk, make_features, 1, 60)
    (job,) = desk.jobs
    assert job.market == "binance:BTC/USDT"
    assert job.table.close_time_ms.tolist() == [1_000 * second for second in range(1, 42)]
    assert job.prices.close_time_ms[-1] == job.trained_at_ms == 41_000
    assert job.horizons_ms == (1_000, 5_000)
    assert job.latency_ms == 20


@pytest.mark.parametrize(
    ("lag_ms", "latency_ms"), [(0, 20), (10, 20), (11, 1_000), (300, 1_000), (990, 2_000)]
)
def test_quotes_that_lag_make_the_start_price_wait_for_them(
    desk: Desk, make_features: MakeFeatures, lag_ms: int, latency_ms: int
) -> None:
    desk.quote_lag_ms = lag_ms
    watch(desk, make_features, 1, 41)
    (job,) = desk.jobs
    assert job.latency_ms == latency_ms


def test_no_second_training_starts_while_one_runs(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 500)
    assert desk.started_s == [41]
    desk.finish(models)
    watch(desk, make_features, 501, 550)
    assert desk.started_s == [41, 501]


def test_too_little_data_is_tried_again_soon(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    desk.finish({})
    assert desk.installed == []
    watch(desk, make_features, 42, 51)
    assert desk.started_s == [41, 51]
    desk.finish(models)
    watch(desk, make_features, 52, 150)
    assert desk.started_s == [41, 51]


def test_horizon_without_a_model_is_tried_again_soon(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    desk.finish({1_000: models[1_000]})
    assert desk.retrainer.progress.trained
    watch(desk, make_features, 42, 51)
    assert desk.started_s == [41, 51]
    desk.finish(models)
    watch(desk, make_features, 52, 151)
    assert desk.started_s == [41, 51, 151]


def test_retraining_that_fails_waits_for_its_next_turn(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    desk.finish(models)
    watch(desk, make_features, 42, 141)
    desk.finish({})
    watch(desk, make_features, 142, 240)
    assert desk.started_s == [41, 141]
    assert desk.installed == [models]
    watch(desk, make_features, 241, 241)
    assert desk.started_s == [41, 141, 241]


def test_training_that_failed_is_tried_again_soon_then_ever_later_up_to_the_interval(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    desk.finish(models)
    watch(desk, make_features, 42, 141)
    for began_s, waits_s in [(141, 10), (151, 20), (171, 40), (211, 80), (291, 100), (391, 100)]:
        assert desk.started_s[-1] == began_s
        desk.finish({}, failure="OSError: no space left")
        watch(desk, make_features, began_s + 1, began_s + waits_s)
    desk.finish(models)
    watch(desk, make_features, 492, 591)
    desk.finish({}, failure="OSError: no space left")
    watch(desk, make_features, 592, 601)
    assert desk.started_s[-3:] == [491, 591, 601]


def test_refused_training_waits_for_its_next_turn(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    desk.finish(models)
    watch(desk, make_features, 42, 141)
    desk.finish({}, refusal="leak: close_against_mid")
    watch(desk, make_features, 142, 241)
    assert desk.started_s == [41, 141, 241]


def test_why_the_newest_training_brought_nothing_is_said_until_one_brings_something(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    assert desk.retrainer.learning == Learning(40_000, 40_000, book=True, trainings={})
    desk.finish({}, failure="OSError: no space left")
    assert desk.retrainer.learning.failure == "OSError: no space left"
    watch(desk, make_features, 42, 51)
    desk.finish({}, refusal="gaps")
    assert desk.retrainer.learning.failure == "gaps"
    watch(desk, make_features, 52, 61)
    desk.finish({})
    failure = desk.retrainer.learning.failure
    assert failure == "too little data: fewer than 30 rows whose price moved"
    watch(desk, make_features, 62, 71)
    desk.finish({1_000: models[1_000]})
    assert desk.retrainer.learning.failure is None
    watch(desk, make_features, 72, 81)
    desk.finish(models)
    assert desk.retrainer.learning.trainings == {1_000: 2, 5_000: 1}


def test_interval_shorter_than_the_next_try_is_kept(
    make_settings: Callable[..., PredictorSettings], make_features: MakeFeatures
) -> None:
    desk = Desk(make_settings(first_after=40), every_s=4)
    watch(desk, make_features, 1, 41)
    desk.finish({})
    watch(desk, make_features, 42, 45)
    assert desk.started_s == [41, 45]


def test_training_waits_for_a_decision(desk: Desk, make_features: MakeFeatures) -> None:
    watch(desk, make_features, 1, 1)
    desk.retrainer.observe(make_features(90_250, 100.0, "250ms"))
    assert desk.jobs == []
    watch(desk, make_features, 91, 91)
    assert desk.started_s == [91]


def test_progress_says_what_the_first_model_waits_for(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    assert desk.retrainer.progress == Progress(0, 40_000, book=False, trained=False)
    desk.retrainer.observe(make_features(5_000, None, imbalance=None))
    assert desk.retrainer.progress == Progress(0, 40_000, book=False, trained=False)
    watch(desk, make_features, 6, 20)
    assert desk.retrainer.progress == Progress(15_000, 40_000, book=True, trained=False)
    watch(desk, make_features, 21, 45)
    desk.finish(models)
    assert desk.retrainer.progress == Progress(40_000, 40_000, book=True, trained=True)


def test_training_done_at_once_is_installed_before_the_next_message(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
) -> None:
    installed: list[Mapping[int, TrainedModel]] = []
    market = make_market(200)
    names = market.table.names
    retrainer = Retrainer(
        "binance:BTC/USDT",
        FeatureHistory(names, "1s", "1s", 1_000),
        (1_000,),
        make_settings(first_after=100),
        every_ms=50_000,
        latency_ms=0,
        execute=lambda job, trained: trained(job.run()),
        install=installed.append,
    )
    for row in range(200):
        values = dict(zip(names, market.table.values[row].tolist(), strict=True))
        retrainer.observe(make_features(1_000 * row, float(market.table.mid[row]), **values))
    assert [models[1_000].version for models in installed] == ["100000", "150000"]
    assert [models[1_000].rows for models in installed] == [100, 150]


def test_while_held_nothing_is_trained_and_begin_trains_on_all_of_it(
    desk: Desk, make_features: MakeFeatures
) -> None:
    desk.retrainer.hold()
    watch(desk, make_features, 1, 500)
    assert desk.jobs == []
    desk.retrainer.begin()
    (job,) = desk.jobs
    assert len(job.table) == 500


def test_begin_with_too_little_waits_for_the_first_stretch(
    desk: Desk, make_features: MakeFeatures
) -> None:
    desk.retrainer.hold()
    watch(desk, make_features, 1, 10)
    desk.retrainer.begin()
    assert desk.jobs == []
    watch(desk, make_features, 11, 60)
    assert desk.started_s == [41]


def test_without_quotes_the_fair_mid_is_the_label_until_five_minutes_of_them_were_seen(
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    models: dict[int, TrainedModel],
) -> None:
    desk = Desk(make_settings(first_after=40), every_s=10_000)
    desk.retrainer.hold()
    for second in range(1, 1_001):
        desk.retrainer.observe(replace(make_features(1_000 * second, 100.0), bid=None, ask=None))
    desk.retrainer.begin()
    assert [job.label for job in desk.jobs] == ["fair"]
    desk.finish(models)
    watch(desk, make_features, 1_001, 1_250)
    desk.finish(models)
    watch(desk, make_features, 1_251, 1_300)
    assert len(desk.jobs) == 2
    watch(desk, make_features, 1_301, 1_302)
    assert [job.label for job in desk.jobs] == ["fair", "fair", "mid"]
    assert desk.started_s == [1_000, 1_201, 1_301]  # 1_201: twenty minutes of trades


def test_with_quotes_from_the_beginning_the_mid_is_the_label_at_once(
    desk: Desk, make_features: MakeFeatures
) -> None:
    watch(desk, make_features, 1, 41)
    assert [job.label for job in desk.jobs] == ["mid"]


def test_small_sets_are_trained_on_as_they_come_and_then_at_the_interval(
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    models: dict[int, TrainedModel],
) -> None:
    desk = Desk(make_settings(first_after=120), every_s=3_600)
    for second in range(9_800):
        watch(desk, make_features, second, second)
        if len(desk.jobs) > len(desk.installed):
            desk.finish(models)
    assert desk.started_s == [120, 300, 600, 1_200, 2_400, 6_000, 9_600]


def test_what_serves_goes_with_the_job_and_stays_where_it_was_not_beaten(
    desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    assert desk.jobs[0].serving == {}
    desk.finish(models)
    watch(desk, make_features, 42, 141)
    assert desk.jobs[1].serving == models
    desk.finish({}, stays=(1_000, 5_000))
    assert desk.installed == [models]
    assert desk.retrainer.learning.failure is None
    watch(desk, make_features, 142, 241)
    assert desk.started_s == [41, 141, 241]
    assert desk.jobs[2].serving == models


def lose(desk: Desk, first_s: int, rows: int, p_up: float = 0.7, p_down: float = 0.1) -> None:
    """Have what serves be wrong each second, where the price moved."""
    for second in range(first_s, first_s + rows):
        close_ms = 1_000 * second
        desk.retrainer.judge(
            Prediction(
                "binance:BTC/USDT", "1s", close_ms, 1_000, "champion", "average", "1", 0, 100.0,
                100.0, 0.0, 100.0, p_up, 1 - p_up - p_down, p_down, 99.0, 101.0, 0.8, "up", None,
                {},
            )
        )  # fmt: skip
        desk.retrainer.judge(
            Outcome(
                "binance:BTC/USDT", "1s", close_ms, 1_000, "champion", "1", 99.9, -1e-5, -1e-5,
                "wrong", "wrong", True, {},
            )
        )  # fmt: skip


def train_twice(desk: Desk, make_features: MakeFeatures, models: dict[int, TrainedModel]) -> None:
    """Have the first trainings over by second 1,002,502, which is beyond the small sets."""
    watch(desk, make_features, 1_000_000, 1_002_500)
    desk.finish(models)
    watch(desk, make_features, 1_002_501, 1_002_502)
    desk.finish(models)


def test_a_loss_that_rises_brings_trainings_before_their_time_ever_more_seldom(
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    make_model: Callable[..., TrainedModel],
) -> None:
    drift = DriftSettings(loss_once_in=100, least_after=200)
    desk = Desk(make_settings(first_after=40, drift=drift), every_s=10_000)
    models = {h: replace_model(make_model(h), expected_loss=0.2) for h in (1_000, 5_000)}
    train_twice(desk, make_features, models)
    assert [job.cause for job in desk.jobs] == ["first", "more data"]
    begun_s = desk.started_s[-1]
    for least_s, p_up, lost in ((200, 0.48, 0.36), (400, 0.64, 0.64), (800, 0.784, 0.96)):
        lose(desk, begun_s, 100, p_up, 0.8 - p_up)
        watch(desk, make_features, begun_s + 1, begun_s + least_s - 1)
        assert desk.started_s[-1] == begun_s, "not so soon after another"
        watch(desk, make_features, begun_s + least_s, begun_s + least_s)
        begun_s += least_s
        assert desk.started_s[-1] == begun_s
        assert desk.jobs[-1].cause == "drift of loss"
        assert desk.jobs[-1].detail is not None
        assert desk.jobs[-1].detail.startswith(f"1 s ahead {lost:.3f} instead of 0.")
        said = desk.retrainer.learning
        assert said.drift == f"drift of loss: {desk.jobs[-1].detail}"
        assert said.drift_ms == 1_000 * begun_s
        desk.finish(models)


def test_a_drift_that_lasts_brings_one_training_and_calm_is_kept_until_an_interval_is_quiet(
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    make_model: Callable[..., TrainedModel],
) -> None:
    drift = DriftSettings(loss_once_in=1_000, least_after=200)
    desk = Desk(make_settings(first_after=40, drift=drift), every_s=1_000)
    models = {h: replace_model(make_model(h), expected_loss=0.2) for h in (1_000, 5_000)}
    train_twice(desk, make_features, models)
    clock = count(1_002_503)

    def pass_by(seconds: int, p_up: float) -> list[str]:
        """Return the causes of the trainings of so much time with a loss of p_up²."""
        before = len(desk.jobs)
        for second in islice(clock, seconds):
            lose(desk, second, 1, 0.8 * p_up, 0.8 * (1 - p_up))
            watch(desk, make_features, second, second)
            if len(desk.jobs) > len(desk.installed):
                desk.finish(models)
        return [job.cause for job in desk.jobs[before:]]

    assert pass_by(198, 0.6) == []
    assert pass_by(1, 0.6) == ["drift of loss"]
    assert pass_by(1_000, 0.6) == ["interval"], "what lasts is no news"
    assert pass_by(399, 0.8) == [], "calm is twice as long, since one was found"
    assert pass_by(1, 0.8) == ["drift of loss"]
    assert pass_by(2_000, 0.8) == ["interval", "interval"]
    assert pass_by(200, 0.98) == ["drift of loss"], "an interval was quiet"


def test_a_drift_that_no_model_came_of_is_looked_at_again(
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    make_model: Callable[..., TrainedModel],
) -> None:
    drift = DriftSettings(loss_once_in=100, least_after=200)
    desk = Desk(make_settings(first_after=40, drift=drift), every_s=10_000)
    models = {h: replace_model(make_model(h), expected_loss=0.2) for h in (1_000, 5_000)}
    train_twice(desk, make_features, models)
    lose(desk, 1_002_502, 100)
    watch(desk, make_features, 1_002_503, 1_002_800)
    desk.finish({}, refusal="drift")
    watch(desk, make_features, 1_002_801, 1_003_300)
    assert [job.cause for job in desk.jobs[2:]] == ["drift of loss", "drift of loss"]


def test_a_loss_as_expected_brings_none(
    desk: Desk, make_features: MakeFeatures, make_model: Callable[..., TrainedModel]
) -> None:
    watch(desk, make_features, 1, 41)
    desk.finish({h: replace_model(make_model(h), expected_loss=0.8) for h in (1_000, 5_000)})
    lose(desk, 42, 500)
    watch(desk, make_features, 42, 140)
    assert desk.started_s == [41]
