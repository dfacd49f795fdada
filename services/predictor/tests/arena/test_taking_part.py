"""Models from outside in the operator: weighted like every other, asked of the close alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from marketstream.messages import Features, Outcome, Prediction
from predictor.arena.abstentions import Abstentions, guarded
from predictor.arena.guest import Guest
from predictor.serving.operator import Predictor
from predictor.settings import Serve
from predictor.training.fitting import TrainedModel

from .stub import Follows, Wild

type MakeFeatures = Callable[..., Features]
type MakeModel = Callable[..., TrainedModel]

H_MS = 1_000


def predictor_of(*guests: Guest, serve: Serve = "average") -> Predictor:
    return Predictor(
        "binance:BTC/USDT", timeframe="1s", base="1s", horizons_ms=(H_MS,), serve=serve,
        guests=guests,
    )  # fmt: skip


def asked(model: Any, abstentions: Abstentions, name: str = "mine") -> Guest:
    ask = guarded(name, model.probabilities, abstentions)
    return Guest(name, f"arena/{name}:1", ("flow_1s",), frozenset({H_MS}), ask)


def elsewhere(name: str = "far") -> Guest:
    return Guest(name, f"arena/{name}:1", ("flow_1s",), frozenset({H_MS}))


def one(following: Sequence[Prediction | Outcome]) -> Prediction:
    (found,) = [message for message in following if isinstance(message, Prediction)]
    return found


@pytest.fixture
def closes(make_features: MakeFeatures) -> list[Features]:
    """Prices go up where `flow_1s` does; the book says the opposite."""
    mids = [100.0]
    ups = [(i * 7 % 11) % 2 == 0 for i in range(600)]
    for up in ups:
        mids.append(mids[-1] + (0.1 if up else -0.1))
    return [
        make_features(
            1_000 * i, mids[i], imbalance=-1.0 if up else 1.0, flow_1s=1.0 if up else -1.0
        )
        for i, up in enumerate(ups)
    ]


def test_a_model_begins_with_a_hundredth_and_earns_its_weight(
    closes: list[Features], make_model: MakeModel, abstentions: Abstentions
) -> None:
    predictor = predictor_of(asked(Follows(("flow_1s",)), abstentions))
    predictor.install({H_MS: make_model(hit_rate=0.7)})
    said = [one(predictor.update(close)) for close in closes[:60]]
    first, last = said[0].candidates["mine"], said[-1].candidates["mine"]
    assert (first.model, first.weight) == ("arena/mine:1", pytest.approx(1 / 101))
    assert first.p_up == pytest.approx(0.875 if closes[0].values["flow_1s"] == 1 else 0.125)
    assert last.weight > 0.99
    for each in said:
        weights = [candidate.weight for candidate in each.candidates.values()]
        served = sum(candidate.p_up * candidate.weight for candidate in each.candidates.values())
        assert sum(weights) == pytest.approx(1)
        assert served == pytest.approx(each.p_up / (each.p_up + each.p_down))
        assert each.answers["mine"] == ("up" if each.candidates["mine"].p_up > 0.5 else "down")


def test_a_model_gets_the_vector_as_of_the_close_and_nothing_else(
    closes: list[Features], make_model: MakeModel, abstentions: Abstentions
) -> None:
    model = Follows(("flow_1s",))
    predictor = predictor_of(asked(model, abstentions))
    predictor.install({H_MS: make_model()})
    for row, close in enumerate(closes[:30]):
        predictor.update(close)
        assert model.rows[row:] == [((close.values["flow_1s"],), H_MS)]


def test_a_model_beside_a_champion_is_scored_and_weighs_nothing(
    closes: list[Features], make_model: MakeModel, abstentions: Abstentions
) -> None:
    alone, beside = (
        predictor_of(*some, serve="champion")
        for some in ((), (asked(Follows(("flow_1s",)), abstentions),))
    )
    for predictor in (alone, beside):
        predictor.install({H_MS: make_model()})
    for close in closes[:20]:
        expected, said = one(alone.update(close)), one(beside.update(close))
        assert (said.p_up, said.direction) == (expected.p_up, expected.direction)
        assert said.candidates["mine"].weight == 0
        assert said.answers["mine"] in ("up", "down")


def test_nonsense_changes_nothing_for_the_others_and_each_reason_is_said_once(
    closes: list[Features],
    make_model: MakeModel,
    abstentions: Abstentions,
    registry: CollectorRegistry,
    logged: list[str],
) -> None:
    alone = predictor_of()
    beside = predictor_of(asked(Wild(("flow_1s",)), abstentions))
    for predictor in (alone, beside):
        predictor.install({H_MS: make_model()})
    for close in closes[:100]:
        expected, said = one(alone.update(close)), one(beside.update(close))
        assert (said.p_up, said.p_down) == (expected.p_up, expected.p_down)
        assert said.candidates == expected.candidates
        assert said.answers == {**expected.answers, "mine": "none"}
    counted = {
        reason: registry.get_sample_value(
            "realtime_arena_abstentions_total", {"model": "mine", "reason": reason}
        )
        for reason in ("failed", "nonsense")
    }
    assert counted == {"failed": 20, "nonsense": 80}
    assert len([line for line in logged if "abstains" in line]) == 5


def test_what_is_no_answer_in_a_preview_is_not_counted(
    closes: list[Features],
    make_model: MakeModel,
    abstentions: Abstentions,
    registry: CollectorRegistry,
) -> None:
    wild = Wild(("flow_1s",))
    predictor = predictor_of(asked(wild, abstentions))
    predictor.install({H_MS: make_model()})

    def counted() -> float:
        return sum(
            registry.get_sample_value(
                "realtime_arena_abstentions_total", {"model": "mine", "reason": reason}
            ) or 0.0
            for reason in ("failed", "nonsense")
        )  # fmt: skip

    for _ in range(10):
        predictor.update(replace(closes[0], forming=True))
    assert (len(wild.rows), counted()) == (10, 0)
    predictor.update(closes[0])
    assert (len(wild.rows), counted()) == (11, 1)


def test_a_model_whose_features_are_not_known_sleeps_and_speaks_never_alone(
    make_features: MakeFeatures, make_model: MakeModel, abstentions: Abstentions
) -> None:
    predictor = predictor_of(asked(Follows(("flow_1s",)), abstentions))
    predictor.install({H_MS: make_model()})
    asleep = one(predictor.update(make_features(1_000, 100.0, imbalance=1.0, flow_1s=None)))
    assert set(asleep.candidates) == {"imbalance_sign"}
    alone = one(predictor.update(make_features(2_000, 100.0, imbalance=None, flow_1s=1.0)))
    assert (alone.candidates, alone.direction) == ({}, "abstain")


def test_what_is_asked_elsewhere_counts_at_the_close_it_is_told_of_and_late_is_an_abstention(
    closes: list[Features], make_model: MakeModel
) -> None:
    predictor = predictor_of(elsewhere())
    predictor.install({H_MS: make_model()})
    assert "far" not in one(predictor.update(closes[0])).candidates
    assert predictor.tell("far", 1_000, {H_MS: 0.9})
    assert predictor.tell("far", 3_000, {H_MS: 0.8})
    assert one(predictor.update(closes[1])).candidates["far"].p_up == 0.9
    silent = one(predictor.update(closes[2]))
    assert ("far" in silent.candidates, silent.answers["far"]) == (False, "none")
    assert not predictor.tell("far", 2_000, {H_MS: 0.7})
    assert one(predictor.update(closes[3])).candidates["far"].p_up == 0.8


def test_weights_of_models_from_outside_survive_a_restart_and_a_training(
    closes: list[Features], make_model: MakeModel, abstentions: Abstentions
) -> None:
    guest = asked(Follows(("flow_1s",)), abstentions)
    through, stopped = predictor_of(guest), predictor_of(guest)
    for predictor in (through, stopped):
        predictor.install({H_MS: make_model()})
        for close in closes[:10]:
            predictor.update(close)
    again = predictor_of(guest)
    again.install({H_MS: make_model()})
    again.restore(stopped.snapshot())
    for predictor in (through, again):
        predictor.install({H_MS: make_model(version="2")})
    assert one(again.update(closes[10])) == one(through.update(closes[10]))
    assert again.snapshot() == through.snapshot()


def test_a_model_that_holds_up_the_close_is_told_of_once(
    abstentions: Abstentions, logged: list[str]
) -> None:
    times = iter(range(100))
    model = Follows(("flow_1s",))
    ask = guarded("mine", model.probabilities, abstentions, lambda: float(next(times)))
    assert [ask((1.0,), H_MS) for _ in range(3)] == [pytest.approx(0.875)] * 3
    (line,) = [line for line in logged if "slow" in line]
    assert "have it answer over HTTP" in line
