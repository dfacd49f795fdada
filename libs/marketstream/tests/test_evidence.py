"""What evidence is counted of, how fast it grows, and what it says in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import isfinite, log, log10
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketstream import evidence
from marketstream.evidence import Evidence, Streams, Tally
from marketstream.messages import Outcome, Verdict

DIFFERENCES = (-1.0, -0.5, 0.0, 0.5, 1.0)
PLACES = {-1.0: 0, -0.5: 1, 0.5: 2, 1.0: 3}
BETS = [0.5**power for power in range(1, 9)]
ONE_STREAM = np.ones(1)
EACH_SECOND = Streams.foreseen(1_000, 1_000)
NOTHING_YET = sum((1 - bet) / 8 for bet in BETS)


def outcome(
    second: int,
    verdict: Verdict = "right",
    baselines: Mapping[str, Verdict] | None = None,
    horizon_ms: int = 1_000,
) -> Outcome:
    return Outcome(
        market="binance:BTC/USDT", timeframe="1s", close_time_ms=1_000 * second,
        horizon_ms=horizon_ms, role="champion", model_version="1", realised_mid=100.0,
        realised_return=0.0, close_return=0.0, verdict=verdict, close_verdict=verdict,
        inside=True, baselines=dict(baselines or {}),
    )  # fmt: skip


def counted(differences: Sequence[float]) -> NDArray[np.int64]:
    counts = np.zeros((1, 4), np.int64)
    for difference in differences:
        if difference:
            counts[0, PLACES[difference]] += 1
    return counts


def e_value(counts: NDArray[np.int64], weights: NDArray[np.float64] = ONE_STREAM) -> float:
    return float(10 ** evidence.log10_e(counts, weights))


def told(
    verdict: Verdict, rivals: Mapping[str, Verdict], count: int, streams: Streams = EACH_SECOND
) -> Evidence:
    kept = Evidence(streams)
    kept.add(Tally(1_000, 0, verdict, rivals, count, 1_000, 1_000 * count))
    return kept


@given(st.lists(st.sampled_from(DIFFERENCES), max_size=60))
def test_where_the_mean_is_not_positive_nothing_is_proven_though_parts_are(
    differences: list[float],
) -> None:
    if sum(differences) > 0:
        differences = [-each for each in differences]
    assert e_value(counted(differences)) < 1


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.integers(0, 3))
def test_a_gain_adds_to_the_evidence_and_a_loss_takes_from_it(counts: list[int], at: int) -> None:
    before = np.array([counts])
    after = before.copy()
    after[0, at] += 1
    assert (e_value(after) > e_value(before)) == (at >= 2)


def test_few_rows_are_worth_what_is_computed_by_hand() -> None:
    assert e_value(counted([])) == pytest.approx(NOTHING_YET)
    by_hand = sum((1 + bet) * (1 + bet / 2) * (1 - bet) * (1 - bet) / 8 for bet in BETS)
    assert e_value(counted([1.0, 0.5, 0.0, -1.0])) == pytest.approx(by_hand)
    kept = Evidence(EACH_SECOND)
    kept.happened(outcome(1, "right", {"majority": "abstained"}), 0)
    against_coin = sum((1 + bet) * (1 - bet) / 8 for bet in BETS) / 2 + NOTHING_YET / 2
    against_majority = sum((1 + bet / 2) * (1 - bet) / 8 for bet in BETS) / 2 + NOTHING_YET / 2
    rivals = kept.proof().rivals
    assert rivals["coin"].beaten == pytest.approx(log10(against_coin / 2), abs=1e-3)
    assert rivals["majority"].beaten == pytest.approx(log10(against_majority / 2), abs=1e-3)


@pytest.mark.parametrize("share", [0.52, 0.55, 0.6, 0.75])
def test_it_grows_nearly_as_fast_as_any_bettor_could(share: float) -> None:
    """Kelly (1956): by the relative entropy of the coin to one half, for who knows the coin."""
    rows = 1_000_000
    right = round(share * rows)
    counts = np.array([[rows - right, 0, 0, right]])
    entropy = share * log(2 * share) + (1 - share) * log(2 * (1 - share))
    grown = log(10) * float(evidence.log10_e(counts, ONE_STREAM)) / rows
    assert 0.87 * entropy < grown < entropy


def test_a_thousand_million_rows_overflow_nothing() -> None:
    proof = told("right", {"majority": "wrong"}, 10**9).proof()
    assert proof.verdict == "skill"
    assert all(isfinite(one.beaten) and isfinite(one.better) for one in proof.rivals.values())


@given(
    st.sampled_from([1, 2, 5, 10]), st.integers(0, 3_000), st.sampled_from([250, 1_000, 60_000]),
    st.lists(st.integers(0, 4_000), min_size=1, max_size=80),
)  # fmt: skip
def test_no_stream_has_two_rows_that_overlap(
    horizon: int, latency_ms: int, every_ms: int, latencies_ms: list[int]
) -> None:
    streams = Streams.foreseen(horizon * every_ms, every_ms, latency_ms)
    known_ms: dict[int, int] = {}
    for row, late_ms in enumerate(latencies_ms):
        close_ms = row * every_ms
        stream = streams.of(close_ms, late_ms)
        assert stream is not None or late_ms > latency_ms + every_ms
        if stream is not None:
            assert stream < len(streams.weights())
            assert known_ms.get(stream, 0) <= close_ms
            known_ms[stream] = close_ms + late_ms + streams.horizon_ms


@given(st.sampled_from([1, 3, 10]), st.integers(0, 3_000))
def test_the_streams_share_what_is_bet_and_rows_foreseen_take_as_few_turns_as_they_can(
    horizon: int, latency_ms: int
) -> None:
    streams = Streams.foreseen(horizon * 1_000, 1_000, latency_ms)
    assert streams.weights().sum() == pytest.approx(1)
    used = {streams.of(second * 1_000, latency_ms) for second in range(100)}
    assert used == set(range(-(-(horizon * 1_000 + latency_ms) // 1_000)))


def test_rows_of_an_unforeseen_latency_are_passed_over() -> None:
    kept = Evidence(EACH_SECOND)
    kept.happened(outcome(1), 1_001)
    assert kept.proof().outcomes == 0
    kept.happened(outcome(1), 1_000)
    assert kept.proof().outcomes == 1


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["right", "wrong", "flat", "abstained"]),
        st.sampled_from(["right", "wrong", "abstained"]),
    ),
    max_size=40,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_in_which_outcomes_are_counted_makes_no_difference(
    rows: list[tuple[Verdict, Verdict]], random: Random
) -> None:
    streams = Streams.foreseen(2_000, 1_000)
    one, other = Evidence(streams), Evidence(streams)
    outcomes = [outcome(s, own, {"majority": rival}, 2_000) for s, (own, rival) in enumerate(rows)]
    for each in outcomes:
        one.happened(each, 0)
        one.happened(each, 0)  # told again
    tallies = [
        Tally(2_000, s % 2, each.verdict, each.baselines, 1, 1_000 * s, 1_000 * s)
        for s, each in enumerate(outcomes)
    ]
    random.shuffle(tallies)
    for tally in tallies:
        other.add(tally)
    assert one.proof() == other.proof()


def test_what_is_told_again_after_later_rows_is_passed_over() -> None:
    kept = Evidence(EACH_SECOND)
    for second in (1, 2, 3, 1, 3):
        kept.happened(outcome(second), 0)
    assert (kept.proof().outcomes, kept.proof().rivals["coin"].rows) == (3, 3)


def test_skill_needs_to_beat_a_coin_and_every_baseline() -> None:
    beaten: dict[str, Verdict] = {"majority": "wrong", "persistence": "wrong"}
    assert told("right", beaten, 40).proof().verdict == "skill"
    assert told("right", beaten, 3).proof().verdict == "not known yet"
    assert told("right", beaten | {"reversal": "right"}, 40).proof().verdict == "not known yet"
    # References are no part of it: each is told of by itself.
    assert told("right", beaten | {"logistic_five": "right"}, 40).proof().verdict == "skill"


def test_nothing_at_all_is_not_known_yet() -> None:
    proof = Evidence(EACH_SECOND).proof()
    assert (proof.verdict, proof.better, proof.outcomes, proof.rivals) == (
        "not known yet", [], 0, {},
    )  # fmt: skip
    assert proof.since_ms is proof.until_ms is None
    assert proof.log10_e < 0


@pytest.mark.parametrize("name", ["majority", "persistence", "reversal"])
def test_it_is_worse_where_one_baseline_is_proven_better(name: str) -> None:
    rivals: dict[str, Verdict] = {"majority": "wrong", "persistence": "wrong", "reversal": "wrong"}
    assert told("wrong", rivals | {name: "right"}, 40).proof().verdict == (
        "worse than the best baseline"
    )
    kept = told("wrong", {}, 40)
    assert kept.proof().verdict == "worse than the best baseline", "a coin is one of them"


def test_references_that_are_better_are_named_the_surest_first() -> None:
    kept = told("right", {"one": "right", "two": "abstained"}, 100)
    kept.add(Tally(1_000, 0, "wrong", {"one": "abstained", "two": "right"}, 60, 1_000, 2_000))
    kept.add(Tally(1_000, 0, "wrong", {"one": "right"}, 60, 1_000, 2_000))
    assert kept.proof().better == ["one"]
    kept.add(Tally(1_000, 0, "wrong", {"two": "right"}, 300, 1_000, 2_000))
    assert kept.proof().better == ["two", "one"]


def test_half_of_alpha_is_for_skill_and_rivals_share_the_other() -> None:
    for count in range(1, 40):
        rival = told("right", {}, count).proof().rivals["coin"]
        mirrored = told("wrong", {}, count).proof().rivals["coin"]
        assert rival.beaten - mirrored.better == pytest.approx(1, abs=2e-3), "ten rivals"
    many: dict[str, Verdict] = {f"reference_{number}": "wrong" for number in range(19)}
    rivals = told("wrong", many, 30).proof().rivals
    assert len(rivals) == 20
    few = told("wrong", {}, 30).proof().rivals["coin"].better
    assert few - rivals["coin"].better == pytest.approx(log10(2), abs=2e-3)


def test_moves_that_were_not_and_silence_count_as_outcomes_and_for_nobody() -> None:
    kept = Evidence(EACH_SECOND)
    verdicts: list[Verdict] = ["flat", "abstained", "right"]
    for second, verdict in enumerate(verdicts):
        kept.happened(outcome(second, verdict, {"majority": verdict}), 0)
    proof = kept.proof()
    assert (proof.outcomes, proof.since_ms, proof.until_ms) == (3, 0, 2_000)
    assert proof.rivals["coin"].rows == proof.rivals["majority"].rows == 1


def test_a_reference_that_joins_later_is_compared_on_the_rows_that_it_was_there_for() -> None:
    kept = Evidence(EACH_SECOND)
    for second, names in enumerate((["one"], ["one", "two"], ["one", "two"])):
        kept.happened(outcome(second, "right", dict.fromkeys(names, "wrong")), 0)
    rivals = kept.proof().rivals
    assert (rivals["one"].rows, rivals["two"].rows) == (3, 2)


@pytest.mark.parametrize(("own", "rival"), list(product(["right", "wrong"], repeat=2)))
def test_what_is_proven_follows_new_outcomes(own: Verdict, rival: Verdict) -> None:
    kept = Evidence(EACH_SECOND)
    before = kept.proof()
    kept.happened(outcome(1, own, {"majority": rival}), 0)
    assert kept.proof() != before
