"""What says how far is fitted beside the stream, installed between messages, kept over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from marketstream.fakes import FakePorts
from marketstream.messages import (
    Features,
    Feed,
    HowFar,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Stall,
    Status,
)
from marketstream.plan import Plan
from marketstream.stage import Stage
from predictor.moves.job import MovesJob
from predictor.moves.layout import Layout
from predictor.moves.learning import MovesLearning
from predictor.moves.operator import Moves
from predictor.moves.settings import MovesSettings
from predictor.serving.beside import PredictorAndMoves
from predictor.serving.markets import Markets
from predictor.serving.operator import Predictor
from predictor.training.fitting import TrainedModel
from predictor.training.process import TrainerProcess

MARKET = "binance:BTC/USDT"
MINUTE = 60_000
PLAN = Plan((MARKET,), "1m", (1,), ("1m",))
LAYOUT = Layout.of(MovesSettings(horizons=[60, 300]), "1m", 0)
LIVE_NS = 1


def closes(make_market: Callable[..., Any], count: int) -> list[Features]:
    mids = make_market(count).table.mid.tolist()
    return [
        Features(
            MARKET, "1m", MINUTE * (28_000_000 + row), {}, mid - 0.01, mid + 0.01, mid, "none",
            high=mid + 0.02, low=mid - 0.02, volume=1.0 + row % 7,
        )
        for row, mid in enumerate(mids)
    ]  # fmt: skip


class Fitter:
    """Learning whose jobs wait until they are done by hand, and what it installs."""

    def __init__(self, every_ms: int = 60 * MINUTE, most_closes: int = 1_000) -> None:
        assert LAYOUT is not None
        self.moves = Moves(MARKET, LAYOUT)
        self.jobs: list[MovesJob] = []
        self._orders: list[Callable[..., Any]] = []
        self.learning = MovesLearning(
            LAYOUT, most_closes=most_closes, every_ms=every_ms,
            order=self._orders.append,
            install=lambda _market, fits: self.moves.install(fits),
            serving=lambda _market: self.moves.fits,
            is_stalled=lambda _market: self.moves.stalled,
        )  # fmt: skip

    async def fit_moves(self, job: MovesJob) -> Any:
        self.jobs.append(job)
        return job.run()

    def work(self) -> None:
        while self._orders:
            asyncio.run(self._orders.pop(0)(self))

    def run(self, given: Sequence[Features], received_ns: int = LIVE_NS) -> list[Any]:
        following: list[Any] = []
        for features in given:
            following += self.moves.update(features)
            self.learning.observe(features, received_ns)
            self.work()
        return following


def test_fits_wait_for_a_live_market_and_for_rows_and_are_made_anew_at_the_interval(
    make_market: Callable[..., Any],
) -> None:
    given = closes(make_market, 400)
    fitter = Fitter()
    fitter.run(given[:300], 0)
    assert fitter.jobs == []  # a past that nobody watched
    said = fitter.run(given[300:302])
    assert len(fitter.jobs) == 1
    assert len(fitter.jobs[0].rows) == 301
    assert {fit.trained_at_ms for fit in fitter.moves.fits.values()} == {given[300].close_time_ms}
    assert {one.model_name for one in said if one.close_time_ms == given[300].close_time_ms} == {
        "ewma"
    }
    (later,) = {
        one.model_name for one in fitter.run(given[302:303]) if isinstance(one, MoveForecast)
    }
    assert later == "ridge"
    fitter.run(given[303:359])
    assert len(fitter.jobs) == 1  # tried meanwhile, and nothing was due
    fitter.run(given[359:380])
    assert len(fitter.jobs) == 2
    assert min(fit.rows for fit in fitter.moves.fits.values()) > 300


def test_what_has_too_few_rows_is_tried_again_and_fewer_take_nobodys_place(
    make_market: Callable[..., Any],
) -> None:
    given = closes(make_market, 400)
    fitter = Fitter()
    fitter.run(given[:90])
    assert fitter.moves.fits == {}
    fitter.run(given[90:140])
    assert set(fitter.moves.fits) == {(t, h) for t in LAYOUT.targets for h in LAYOUT.horizons_ms}  # type: ignore[union-attr]
    # With 160 closes at hand there can be half of 318 rows at the last, half of 400 never.
    for rows, jobs in ((400, 0), (318, 1)):
        after = Fitter(every_ms=10 * MINUTE)
        after.moves.restore(fitter.moves.snapshot())
        before = {
            key: replace(fit, rows=rows, trained_at_ms=0) for key, fit in fitter.moves.fits.items()
        }
        after.moves.install(before.values())
        after.run(given[140:300])
        assert len(after.jobs) <= 2 * jobs
        assert bool(after.jobs) == bool(jobs)
        assert after.moves.fits == before


def test_fits_of_more_rows_than_are_kept_by_now_are_followed_all_the_same(
    make_market: Callable[..., Any],
) -> None:
    given = closes(make_market, 400)
    fitter = Fitter()
    fitter.run(given[:140])
    after = Fitter(most_closes=200)
    after.moves.install(
        replace(fit, rows=10_000, trained_at_ms=0) for fit in fitter.moves.fits.values()
    )
    after.run(given[140:300])
    assert {fit.rows < 200 for fit in after.moves.fits.values()} == {True}


def test_the_training_process_fits_what_is_wanted(
    make_market: Callable[..., Any], tmp_path: Path
) -> None:
    assert LAYOUT is not None
    fitter = Fitter()
    fitter.run(closes(make_market, 200), 0)
    fitter.run(closes(make_market, 201)[200:])
    (job,) = fitter.jobs

    async def fitted() -> Any:
        trainer = TrainerProcess(FakePorts(tmp_path).metrics)
        try:
            return await trainer.fit_moves(job)
        finally:
            trainer.stop()

    assert asyncio.run(fitted()) == job.run() != ()


def test_directions_come_first_and_both_go_on_from_one_snapshot(
    make_market: Callable[..., Any], make_model: Callable[..., TrainedModel], tmp_path: Path
) -> None:
    given = closes(make_market, 30)
    markets = Markets(PLAN, FakePorts(tmp_path), grace_ms=0, serve="champion", moves=LAYOUT)
    stage = markets.stage(lambda: None)
    markets.install(MARKET, {MINUTE: make_model(horizon_ms=MINUTE)})
    operator = stage.make_operator(MARKET)
    said = [stage.finish(one, LIVE_NS) for each in given[:20] for one in operator.update(each)]
    kinds = [type(one) for one in said if one.close_time_ms == given[10].close_time_ms]
    assert kinds[0] is Prediction
    assert kinds.count(MoveForecast) == 4
    at_once = [type(one) for one in operator.update(given[20])]
    assert at_once[0] is Outcome
    assert at_once[1] is Prediction
    assert {stage.topic_of(one).name for one in said} == {
        "predictions", "outcomes", "move_forecasts", "move_outcomes",
    }  # fmt: skip
    after = stage.make_operator(MARKET)
    after.restore(operator.snapshot())
    assert [after.update(one) for one in given[21:]] == [operator.update(one) for one in given[21:]]


def test_how_far_waits_for_the_next_message_only_where_that_is_soon(
    make_market: Callable[..., Any], tmp_path: Path
) -> None:
    """Where the timeframe is the only one, a minute later the minute ahead would be over."""
    given = closes(make_market, 12)
    ports = FakePorts(tmp_path)
    for timeframes, waits in ((("1m",), False), (("250ms", "1m"), True)):
        plan = Plan((MARKET,), "1m", (1,), timeframes)
        markets = Markets(plan, ports, grace_ms=0, serve="champion", moves=LAYOUT)
        stage = markets.stage(lambda: None)
        operator = stage.make_operator(MARKET)
        made: list[tuple[bool, int, bool]] = []
        for each in given:
            next_one = replace(each, timeframe="250ms", close_time_ms=each.close_time_ms + 250)
            for message in (each, next_one) if waits else (each,):
                received_ns = 1_000_000 * message.close_time_ms
                ports.now_ns = received_ns + 2_000_000
                for one in (stage.finish(each, received_ns) for each in operator.update(message)):
                    if isinstance(one, MoveForecast):
                        assert one.made_at_ms is not None
                        since_ms = one.made_at_ms - one.close_time_ms
                        made.append((message is next_one, since_ms, one.late))
        assert set(made) == {(waits, 252 if waits else 2, False)}


def test_a_stall_ends_for_all_who_read_and_is_known_to_who_came_later(
    make_market: Callable[..., Any], tmp_path: Path
) -> None:
    given = closes(make_market, 30)
    markets = Markets(PLAN, FakePorts(tmp_path), grace_ms=0, serve="champion", moves=LAYOUT)
    stage = markets.stage(lambda: None)

    def feed(stalled_ms: int | None) -> None:
        markets.hear(Status(MARKET, "trades", Feed(True, 0, 0, stalled_ms=stalled_ms)), 0)

    def is_forecast(operator: Any, some: Sequence[Features]) -> bool:
        return any(isinstance(one, MoveForecast) for each in some for one in operator.update(each))

    operator = stage.make_operator(MARKET)
    assert is_forecast(operator, given[:10])
    markets.hear(Stall(MARKET, 1, "connection"), 0)
    assert not is_forecast(operator, given[10:14])
    feed(stalled_ms=None)  # by another trades service: that one's end was never said
    assert is_forecast(operator, given[14:18])
    feed(stalled_ms=5_000)
    late = stage.make_operator(MARKET)
    assert late.moves.stalled  # type: ignore[attr-defined]
    markets.hear(Stall(MARKET, 1, "connection", 2, "resumed"), 0)
    assert not late.moves.stalled  # type: ignore[attr-defined]
    markets.hear(Stall("nobody:X/Y", 1, "trades"), 0)
    assert markets.is_stalled("nobody:X/Y")


def test_nothing_is_fitted_on_the_closes_of_a_stall(make_market: Callable[..., Any]) -> None:
    fitter = Fitter()
    given = closes(make_market, 200)
    fitter.run(given[:50])
    fitter.moves.stalled = True
    fitter.run(given[50:60])
    fitter.moves.stalled = False
    fitter.run(given[60:])
    assert fitter.jobs
    assert fitter.jobs[-1].rows[:, 7].tolist()[45:65] == [1.0] * 5 + [0.0] * 10 + [1.0] * 5


def test_where_how_far_fails_it_begins_anew_and_directions_are_predicted_as_ever(
    make_market: Callable[..., Any], make_model: Callable[..., TrainedModel], tmp_path: Path
) -> None:
    given = closes(make_market, 400)
    fitter = Fitter()
    fitter.run(given[:200])
    spoilt = [replace(one, horizon_ms=MINUTE) for key, one in fitter.moves.fits.items()
              if key[1] == 5 * MINUTE]  # fmt: skip
    assert spoilt
    markets = Markets(PLAN, FakePorts(tmp_path), grace_ms=0, serve="champion", moves=LAYOUT)
    markets.install(MARKET, {MINUTE: make_model(horizon_ms=MINUTE)})
    operator = markets.stage(lambda: None).make_operator(MARKET)
    for each in given[:200]:
        operator.update(each)
    markets.install_fits(MARKET, spoilt)
    following = [list(operator.update(each)) for each in given[200:260]]
    assert all(any(isinstance(one, Prediction) for one in each) for each in following)
    assert markets.fits(MARKET) == {}
    assert any(isinstance(one, MoveForecast) for one in following[-1])


def test_a_snapshot_of_before_there_were_moves_is_gone_on_from(
    make_model: Callable[..., TrainedModel], make_market: Callable[..., Any]
) -> None:
    assert LAYOUT is not None

    def predictor() -> Predictor:
        made = Predictor(MARKET, timeframe="1m", base="1m", horizons_ms=(MINUTE,))
        made.install({MINUTE: make_model(horizon_ms=MINUTE)})
        return made

    before, given = predictor(), closes(make_market, 12)
    for each in given[:10]:
        before.update(each)
    after = PredictorAndMoves(predictor(), Moves(MARKET, LAYOUT))
    after.restore(before.snapshot())
    assert after.update(given[10]) == before.update(given[10])
    alone = PredictorAndMoves(predictor(), None)
    alone.restore(after.snapshot())
    assert alone.update(given[11]) == before.update(given[11])


def test_where_sums_cannot_be_gone_on_from_directions_go_on(
    make_market: Callable[..., Any],
) -> None:
    assert LAYOUT is not None
    given, failures = closes(make_market, 30), list[str]()

    def operator() -> PredictorAndMoves:
        predictor = Predictor(MARKET, timeframe="1m", base="1m", horizons_ms=(MINUTE,))
        return PredictorAndMoves(
            predictor, Moves(MARKET, LAYOUT), lambda market, _error: failures.append(market)
        )

    before, after = operator(), operator()
    for each in given[:20]:
        before.update(each)
    snapshot = msgspec.msgpack.decode(before.snapshot())
    series = msgspec.msgpack.decode(snapshot["moves"])
    series[2] = series[2][:1]  # the sums of fewer horizons
    snapshot["moves"] = msgspec.msgpack.encode(series)
    after.restore(msgspec.msgpack.encode(snapshot))
    assert failures == [MARKET]
    assert any(isinstance(one, MoveForecast) for each in given[20:] for one in after.update(each))
    assert failures == [MARKET]


def test_a_forecast_says_when_it_was_made_and_its_outcome_is_as_late(
    make_market: Callable[..., Any], tmp_path: Path
) -> None:
    given = closes(make_market, 12)
    stage = Markets(PLAN, FakePorts(tmp_path), grace_ms=0, serve="champion", moves=LAYOUT).stage(
        lambda: None
    )
    operator = stage.make_operator(MARKET)
    said = [stage.finish(one, 0) for each in given for one in operator.update(each)]
    forecasts = [one for one in said if isinstance(one, MoveForecast)]
    outcomes = [one for one in said if isinstance(one, MoveOutcome)]
    assert forecasts
    assert outcomes
    assert all(one.late and one.made_at_ms is not None for one in forecasts)
    assert all(one.late for one in outcomes)
    assert operator.moves is not None  # type: ignore[attr-defined]


def test_what_was_forecast_late_before_a_stop_has_a_late_outcome_after_it(
    make_market: Callable[..., Any], tmp_path: Path
) -> None:
    given, ports = closes(make_market, 30), FakePorts(tmp_path)

    def stage() -> Stage:
        return Markets(PLAN, ports, grace_ms=0, serve="champion", moves=LAYOUT).stage(lambda: None)

    before = stage()
    operator = before.make_operator(MARKET)
    said = [before.finish(one, 0) for each in given[:20] for one in operator.update(each)]
    late = [one for one in said if isinstance(one, MoveForecast) and one.late]
    timely = replace(late[-1], late=False)  # as it was told first
    ports.tails = {"move_forecasts": {MARKET: [*late[:-1], timely, late[-1]]}}
    after = stage()
    again = after.make_operator(MARKET)
    again.restore(operator.snapshot())
    came = [after.finish(one, LIVE_NS) for each in given[20:] for one in again.update(each)]
    outcomes = {one.identity: one.late for one in came if isinstance(one, MoveOutcome)}
    expected = {one.identity: True for one in late} | {timely.identity: False}
    known = {identity: is_late for identity, is_late in outcomes.items() if identity in expected}
    assert len(known) > 5
    assert known == {identity: expected[identity] for identity in known}
    assert set(known.values()) == {True, False}


def test_it_says_what_the_first_forecast_and_bounds_need(make_market: Callable[..., Any]) -> None:
    assert LAYOUT is not None
    given = closes(make_market, 30)
    fitter = Fitter()
    needed = {MINUTE: 101 * MINUTE, 5 * MINUTE: 105 * MINUTE}
    nothing = HowFar(("volatility", "range"), None, 20 * MINUTE, needed)
    assert fitter.learning.progress(MARKET) == nothing
    fitter.run(given)
    assert fitter.learning.progress(MARKET) == replace(nothing, seen_ms=29 * MINUTE)
