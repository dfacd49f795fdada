"""When a prediction was made is decided once, as it is published; its outcome follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from marketstream.messages import Features, Outcome, Prediction
from predictor.serving.lateness import Lateness
from predictor.serving.operator import Predictor
from predictor.training.fitting import TrainedModel

RECEIVED_NS = 1_000_100_000_000  # a tenth of a second after the close at 1,000 s
MS = 1_000_000


@dataclass
class Edge:
    """An operator and what completes its messages, at a time that the test sets."""

    predictor: Predictor
    speed: float = 1.0
    now_ns: int = 0
    lateness: Lateness = field(init=False)

    def __post_init__(self) -> None:
        self.lateness = Lateness(lambda: self.now_ns, self.speed, most=100)

    def publish(self, features: Features, received_ns: int) -> Sequence[Prediction | Outcome]:
        following = self.predictor.update(features)
        return [self.lateness.finish(message, received_ns) for message in following]


@pytest.fixture
def edge(make_model: Callable[..., TrainedModel]) -> Edge:
    predictor = Predictor("binance:BTC/USDT", timeframe="1s", base="1s", horizons_ms=(1_000,))
    predictor.install({1_000: make_model()})
    return Edge(predictor)


def test_prediction_in_time_says_when_it_was_made_and_how_long_that_took(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    edge.now_ns = RECEIVED_NS + 2_300_000
    (said,) = edge.publish(make_features(1_000_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert isinstance(said, Prediction)
    assert (said.made_at_ms, said.latency_us, said.late) == (1_000_002, 2_300, False)
    outcome, _ = edge.publish(make_features(1_001_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert isinstance(outcome, Outcome)
    assert not outcome.late


def test_prediction_made_when_its_moment_has_come_is_late_and_so_is_its_outcome(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    edge.now_ns = RECEIVED_NS + 999 * MS
    (just,) = edge.publish(make_features(1_000_000, 100.0, imbalance=0.5), RECEIVED_NS)
    edge.now_ns = RECEIVED_NS + 1_000 * MS
    of_just, late = edge.publish(make_features(1_001_000, 100.0, imbalance=0.5), RECEIVED_NS)
    of_late, _ = edge.publish(make_features(1_002_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert [each.late for each in (just, of_just, late, of_late)] == [False, False, True, True]


def test_prediction_of_a_past_that_nobody_watched_is_late(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    edge.now_ns = 2_000_000 * MS
    (said,) = edge.publish(make_features(1_000_000, 100.0, imbalance=0.5), 0)
    outcome, _ = edge.publish(make_features(1_001_000, 100.0, imbalance=0.5), 0)
    assert isinstance(said, Prediction)
    assert (said.made_at_ms, said.latency_us, said.late) == (2_000_000, 0, True)
    assert outcome.late


def test_latency_is_of_life_and_the_time_it_was_made_at_of_the_market(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    fast = Edge(edge.predictor, speed=10.0, now_ns=RECEIVED_NS + 20 * MS)
    (said,) = fast.publish(make_features(1_000_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert isinstance(said, Prediction)
    assert (said.made_at_ms, said.latency_us) == (1_000_020, 2_000)


def test_clock_that_was_set_back_makes_no_prediction_before_its_close(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    edge.now_ns = RECEIVED_NS - 5 * MS
    (said,) = edge.publish(make_features(1_000_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert isinstance(said, Prediction)
    assert (said.made_at_ms, said.latency_us, said.late) == (1_000_000, 0, False)


def test_what_was_said_before_a_stop_keeps_its_time_and_its_outcome_its_lateness(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    close = make_features(1_000_000, 100.0, imbalance=0.5)
    edge.now_ns = RECEIVED_NS + 3_000 * MS
    (late,) = edge.publish(close, RECEIVED_NS)
    assert isinstance(late, Prediction)
    again = Edge(
        Predictor("binance:BTC/USDT", timeframe="1s", base="1s", horizons_ms=(1_000,)),
        now_ns=RECEIVED_NS + 9_000 * MS,
    )
    again.predictor.remember([late])
    again.lateness.remember([late])
    assert again.publish(close, RECEIVED_NS) == [late]
    (outcome,) = again.publish(make_features(1_001_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert outcome.late


def test_preview_is_left_as_it_is_and_makes_no_outcome_late(
    edge: Edge, make_features: Callable[..., Features]
) -> None:
    close = make_features(1_000_000, 100.0, imbalance=0.5)
    edge.now_ns = RECEIVED_NS
    (preview,) = edge.publish(replace(close, forming=True), 0)
    assert isinstance(preview, Prediction)
    assert (preview.preview, preview.made_at_ms, preview.late) == (True, None, False)
    (said,) = edge.publish(close, RECEIVED_NS)
    outcome, _ = edge.publish(make_features(1_001_000, 100.0, imbalance=0.5), RECEIVED_NS)
    assert (said.late, outcome.late) == (False, False)
