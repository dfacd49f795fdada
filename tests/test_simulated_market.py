"""What is measured where the truth is known: a market with signals, and one with none."""

from typing import NamedTuple

import numpy as np
import pytest

from exchange_simulator import SeededMarket
from exchange_simulator.market.ceiling import expected_moves, realised_moves
from exchange_simulator.market.messages import trades_messages
from exchange_simulator.market.tape import Tape
from exchange_simulator.serving.late_quotes import LateQuotes
from marketstream.columns import FeatureTable, PriceSeries
from marketstream.evidence import Evidence, Streams
from marketstream.messages import Outcome, Prediction
from marketstream.plan import Plan
from marketstream.scoring import Score, Scoreboard
from marketstream.topics import FEATURES, OUTCOMES, PREDICTIONS
from marketstream.uncertainty import effective_size, wilson
from predictor.models import LEARNERS
from predictor.serving.forecast import forecast
from predictor.settings import Learner, ModelSettings, PredictorSettings, TrainingSettings
from predictor.training.fitting import train
from predictor.training.history import FeatureHistory
from predictor.training.prices import Label, label_prices, label_returns, start_latency_ms
from predictor.training.retraining import Trained, TrainingJob
from predictor.validation.evaluation import evaluate
from realtime_training.pipeline import Pipeline
from technical_indicators.feature_set import FeatureSettings

MARKET = "simulator:BTC/USDT"
START_US = 1_704_067_200_000_000  # 2024-01-01
HOUR_US = 3_600_000_000
TREND_AND_MOMENTUM = ("rsi", "macd", "bb_", "ema", "sma", "wma", "roc", "mom", "cci", "stoch")
SETTINGS = PredictorSettings(training=TrainingSettings(first_after=3_600))


class Watched(NamedTuple):
    score: Score
    decided_us: np.ndarray
    table: FeatureTable
    prices: PriceSeries
    said: dict[str, int]  # after how many outcomes, where it is looked at after each


def watch(market: Tape, hours: int, horizon: int) -> Watched:
    """Run a market through the pipeline, trained each hour; the first hour is for training."""

    def at_once(job: TrainingJob, trained: Trained) -> None:
        trained(job.run())

    pipeline = Pipeline(
        Plan((MARKET,), "1s", (horizon,)),
        FeatureSettings(),
        SETTINGS,
        retrain_every_ms=3_600_000,
        execute=at_once,
    )
    scoreboard = Scoreboard()
    evidence = Evidence(Streams.foreseen(1_000 * horizon, 1_000))
    said: dict[str, int] = {}
    decided_us: list[int] = []
    history = FeatureHistory(pipeline.feature_set.names, "1s", "250ms", 50_000)

    def predicted(prediction: Prediction, _received_ns: int) -> None:
        scoreboard.predicted(prediction)

    def happened(outcome: Outcome, _received_ns: int) -> None:
        scoreboard.happened(outcome)
        decided_us.append(outcome.close_time_ms * 1_000)
        evidence.happened(outcome, 0)
        proof = evidence.proof()
        for word in (proof.verdict, *proof.better):
            said.setdefault(word, proof.outcomes)

    pipeline.runner.tap(FEATURES, lambda features, _ns: history.append(features))
    pipeline.runner.tap(PREDICTIONS, predicted)
    pipeline.runner.tap(OUTCOMES, happened)
    for message in trades_messages(market, MARKET, START_US, START_US + hours * HOUR_US):
        pipeline.runner.publish(message)
    return Watched(
        scoreboard.score(horizon * 1_000), np.array(decided_us), history.table(),
        history.prices(), said,
    )  # fmt: skip


@pytest.mark.slow
def test_the_model_comes_within_three_points_of_the_ceiling_and_not_above_it() -> None:
    market = SeededMarket("BTC/USDT", 7)
    watched = watch(market, hours=5, horizon=2)
    score = watched.score
    moves = realised_moves(market, watched.decided_us, horizon_ms=2_000)
    oracle = expected_moves(market, watched.decided_us, horizon_ms=2_000)
    moved = moves != 0
    ceiling = float(np.mean(np.sign(oracle[moved]) == np.sign(moves[moved])))
    assert score.effective >= 10_000
    assert score.abstentions == 0
    assert 0.60 <= ceiling <= 0.75
    assert score.accuracy is not None
    assert score.low is not None
    assert score.accuracy >= ceiling - 0.03
    assert score.low <= ceiling, "better than an oracle: a leak"
    assert all(abs(share - 0.5) < 0.02 for share in score.baselines.values())
    assert watched.said.keys() == {"not known yet", "skill"}
    assert watched.said["skill"] < 1_000


@pytest.fixture(scope="module")
def day() -> Watched:
    """Return enough of the market with signals to judge on 10,000 independent rows."""
    return watch(SeededMarket("BTC/USDT", 7), hours=8, horizon=2)


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_comes_within_three_points_of_the_ceiling_and_not_above_it(
    day: Watched, learner: Learner
) -> None:
    settings = SETTINGS.model_copy(update={"model": ModelSettings(type=learner)})
    evaluation, rows = evaluate(day.table, day.prices, 2_000, settings)
    assert rows is not None
    assert evaluation.score is not None
    accuracy, low = evaluation.score.accuracy, evaluation.score.low
    oracle = expected_moves(SeededMarket("BTC/USDT", 7), rows.times_ms * 1_000, horizon_ms=2_000)
    counted = (rows.returns != 0) & rows.answered
    ceiling = float(np.mean(np.sign(oracle[counted]) == np.sign(rows.returns[counted])))
    assert evaluation.score.effective >= 10_000
    assert evaluation.verdict == "skill"
    assert accuracy is not None
    assert low is not None
    assert accuracy >= ceiling - 0.03
    assert low <= ceiling, "better than an oracle: a leak"


@pytest.mark.slow
def test_indicators_alone_see_next_to_nothing_on_the_market_with_signals() -> None:
    watched = watch(SeededMarket("BTC/USDT", 7), hours=4, horizon=2)
    indicators = [name for name in watched.table.names if name.startswith(TREND_AND_MOMENTUM)]
    settings = SETTINGS.model_copy(update={"features": indicators})
    watched = watched._replace(table=only(watched.table, indicators))
    accuracy, low, _ = later_accuracy(watched, settings, 2_000, "mid")
    assert low <= 0.5
    assert accuracy < 0.51


@pytest.mark.slow
def test_a_random_walk_with_a_spread_has_no_skill_but_a_false_one_on_the_close() -> None:
    watched = watch(SeededMarket("BTC/USDT", 7, signals=False, spread_bps=5), hours=4, horizon=5)
    score = watched.score
    assert score.effective > 5_000
    assert score.low is not None
    assert score.high is not None
    assert score.low <= 0.5 <= score.high
    assert watched.said.keys() == {"not known yet"}
    for _, low, high in (
        later_accuracy(watched, SETTINGS, 5_000, "mid"),
        later_accuracy(watched, SETTINGS, 5_000, "fair"),
    ):
        assert low <= 0.5 <= high
    accuracy, low, _ = later_accuracy(watched, SETTINGS, 5_000, "close")
    assert 0.6 < low < accuracy < 0.75, "the bounce between bid and ask, taken for skill"


@pytest.mark.slow
@pytest.mark.parametrize("lag_ms", [80, 300])
def test_quotes_that_lag_make_skill_of_nothing_unless_the_start_price_waits_for_them(
    lag_ms: int,
) -> None:
    walk = SeededMarket("BTC/USDT", 7, signals=False, spread_bps=5)
    watched = watch(LateQuotes(walk, lag_ms), hours=4, horizon=1)
    _, low, _ = later_accuracy(watched, SETTINGS, 1_000, "mid")
    assert low > 0.51, "a start price from before the trades that were decided on"
    waits_ms = start_latency_ms(0, lag_ms, 250)
    _, low, high = later_accuracy(watched, SETTINGS, 1_000, "mid", waits_ms)
    assert low <= 0.5 <= high


def only(table: FeatureTable, names: list[str]) -> FeatureTable:
    """A table that knows nothing but these features, so that no reference model can use others."""
    return FeatureTable(
        table.close_time_ms, tuple(names), table.columns(names),
        table.bid, table.ask, table.close, table.complete,
    )  # fmt: skip


def later_accuracy(
    watched: Watched, settings: PredictorSettings, horizon_ms: int, label: Label,
    latency_ms: int = 0,
) -> tuple[float, float, float]:  # fmt: skip
    """Train on the first half of a table, and score on the second half's moved rows."""
    table, prices = watched.table, watched.prices
    half = len(table) // 2
    series = label_prices(prices, label)
    cut_ms = int(table.close_time_ms[half]) - horizon_ms
    seen = prices.close_time_ms <= cut_ms
    assert prices.first_buy is not None
    assert prices.first_sell is not None
    earlier = PriceSeries(
        prices.close_time_ms[seen], prices.mid[seen], prices.close[seen], 250,
        prices.first_buy[seen], prices.first_sell[seen],
    )  # fmt: skip
    model = train(
        table.rows(slice(0, half)), earlier, horizon_ms, settings,
        trained_at_ms=cut_ms, latency_ms=latency_ms, label=label,
    )  # fmt: skip
    assert model is not None
    later = table.rows(slice(half, len(table)))
    returns = label_returns(
        later.close_time_ms, series, prices, horizon_ms=horizon_ms, latency_ms=latency_ms
    )
    moved = np.isfinite(returns) & (returns != 0)
    p_up = model.champion.up.probability(later.columns(model.champion.columns))
    hits = ((p_up > 0.5) == (returns > 0))[moved].astype(float)
    size = effective_size(hits, (later.close_time_ms[moved] // (3 * horizon_ms)).tolist())
    low, high = wilson(float(hits.mean()), size)
    return float(hits.mean()), low, high


def test_serving_one_row_says_what_training_says_of_the_table() -> None:
    watched = watch(SeededMarket("BTC/USDT", 3), hours=1, horizon=2)
    model = train(watched.table, watched.prices, 2_000, SETTINGS, trained_at_ms=0)
    assert model is not None
    rows = watched.table.columns(model.champion.columns)[-50:]
    in_batch = model.champion.up.probability(rows)
    for row, p_up in zip(range(-50, 0), in_batch, strict=True):
        values = dict(zip(watched.table.names, watched.table.values[row].tolist(), strict=True))
        said = forecast(model, values, mid=100.0)
        assert said.p_up + said.p_flat + said.p_down == pytest.approx(1.0)
        assert said.p_up / (said.p_up + said.p_down) == pytest.approx(p_up, abs=1e-9)
        assert said.low < said.predicted_price < said.high
