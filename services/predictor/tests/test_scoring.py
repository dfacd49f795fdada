from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.messages import Features, Outcome, Verdict
from marketstream.scoring import Scoreboard
from marketstream.uncertainty import effective_size, wilson
from predictor.serving.operator import Predictor
from predictor.training.fitting import TrainedModel


@pytest.mark.parametrize(
    ("hits", "size", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    hits: int, size: int, low: float, high: float
) -> None:
    assert wilson(hits / size, size) == pytest.approx((low, high), abs=5e-5)


@given(st.floats(0, 1), st.floats(1, 1e6))
def test_wilson_holds_the_share_and_mirrors_it(share: float, size: float) -> None:
    low, high = wilson(share, size)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    assert wilson(1 - share, size) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_independent_hits_are_worth_their_number() -> None:
    hits = np.random.default_rng(0).random(3_000) < 0.6
    size = effective_size(hits.astype(float), (np.arange(3_000) // 3).tolist())
    assert 2_700 <= size <= 3_000


@pytest.mark.parametrize("repeats", [2, 5, 10])
def test_hits_repeated_within_a_block_are_worth_one_each(repeats: int) -> None:
    told = np.random.default_rng(1).random(3_000) < 0.6
    hits = np.repeat(told.astype(float), repeats)
    blocks = np.repeat(np.arange(3_000), repeats)
    assert effective_size(hits, blocks.tolist()) == pytest.approx(3_000, rel=0.02)


def test_hits_that_agree_only_within_their_block_are_worth_as_many_as_blocks() -> None:
    hits = np.tile(np.repeat([1.0, 0.0], 7), 100)
    blocks = np.repeat(np.arange(200), 7)
    assert effective_size(hits, blocks.tolist()) == pytest.approx(199)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 40)), min_size=1, max_size=120).map(
        lambda rows: sorted(rows, key=lambda row: row[1])
    )
)
def test_effective_size_is_never_more_than_the_rows(
    rows: list[tuple[bool, int]],
) -> None:
    hits = np.array([float(hit) for hit, _ in rows])
    size = effective_size(hits, [block for _, block in rows])
    assert 0 < size <= len(rows)


def test_few_blocks_are_worth_one_row_each() -> None:
    assert effective_size(np.array([1.0, 0.0, 1.0, 0.0]), [0, 0, 1, 1]) == 2
    assert effective_size(np.ones(40), np.repeat(np.arange(20), 2).tolist()) == 20
    assert effective_size(np.zeros(0), []) == 0


def test_interval_of_overlapping_outcomes_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    held = []
    for _ in range(400):
        walk = np.concatenate(([0], np.cumsum(random.choice([-1, 1], 1_005))))
        moves = np.sign(walk[5:] - walk[:-5])
        answers = np.repeat(random.choice([-1, 1], 51), 20)[: len(moves)]
        moved = moves != 0
        hits = (moves == answers)[moved].astype(float)
        low, high = wilson(
            float(hits.mean()), effective_size(hits, (np.arange(len(moves)) // 15)[moved])
        )
        held.append(low <= 0.5 <= high)
    assert 0.9 <= np.mean(held) <= 0.98


def outcome(
    second: int,
    verdict: Verdict,
    close_verdict: Verdict = "right",
    *,
    horizon_ms: int = 1_000,
    inside: bool = True,
    baselines: Mapping[str, Verdict] | None = None,
) -> Outcome:
    return Outcome(
        market="binance:BTC/USDT",
        timeframe="1s",
        close_time_ms=1_000 * second,
        horizon_ms=horizon_ms,
        role="champion",
        model_version="1",
        realised_mid=100.0,
        realised_return=0.0,
        close_return=0.0,
        verdict=verdict,
        close_verdict=close_verdict,
        inside=inside,
        baselines=dict(baselines or {}),
    )


def test_nothing_seen_scores_nothing() -> None:
    score = Scoreboard().score(1_000)
    assert (score.predictions, score.outcomes, score.moved, score.effective) == (0, 0, 0, 0)
    assert score.accuracy is score.low is score.high is score.accuracy_all is None
    assert score.close_accuracy is score.coverage is None
    assert score.baselines == score.references == {}


def test_accuracies_count_the_rows_they_say() -> None:
    scoreboard = Scoreboard()
    verdicts: list[Verdict] = ["right", "right", "right", "wrong", "flat", "flat", "abstained"]
    close: list[Verdict] = ["right", "wrong", "flat", "wrong", "right", "flat", "abstained"]
    for second, (verdict, close_verdict) in enumerate(zip(verdicts, close, strict=True)):
        scoreboard.happened(outcome(second, verdict, close_verdict, inside=second < 2))
    score = scoreboard.score(1_000)
    assert score.outcomes == 7
    assert score.moved == 4
    assert score.accuracy == 3 / 4
    assert score.accuracy_all == 3 / 6
    assert score.close_accuracy == 2 / 4
    assert score.coverage == pytest.approx(2 / 7)
    assert score.effective == 2  # two blocks of three seconds
    assert (score.low, score.high) == wilson(3 / 4, 2)


def test_all_abstained_or_flat_has_no_accuracy() -> None:
    scoreboard = Scoreboard()
    scoreboard.happened(outcome(1, "abstained", "abstained", baselines={"majority": "right"}))
    score = scoreboard.score(1_000)
    assert (score.accuracy, score.accuracy_all, score.baselines) == (None, None, {})
    scoreboard.happened(outcome(2, "flat", "flat", baselines={"majority": "flat"}))
    score = scoreboard.score(1_000)
    assert (score.accuracy, score.accuracy_all, score.low) == (None, 0.0, None)


def test_baselines_and_references_are_measured_on_the_models_rows() -> None:
    scoreboard = Scoreboard()
    rows: list[tuple[Verdict, Verdict, Verdict]] = [
        ("right", "right", "wrong"),
        ("wrong", "right", "abstained"),
        ("abstained", "wrong", "wrong"),  # the model said nothing: none of them is counted here
        ("flat", "flat", "flat"),
    ]
    for second, (verdict, majority, sign) in enumerate(rows):
        scoreboard.happened(
            outcome(second, verdict, baselines={"majority": majority, "imbalance_sign": sign})
        )
    score = scoreboard.score(1_000)
    assert score.baselines == {"majority": 1.0}
    assert score.references == {"imbalance_sign": 0.25}


def test_saying_nothing_is_worth_what_a_coin_is() -> None:
    scoreboard = Scoreboard()
    for second in range(4):
        scoreboard.happened(
            outcome(
                second,
                "right",
                baselines={
                    "persistence": "right" if second == 0 else "abstained",
                    "reversal": "wrong" if second == 0 else "abstained",
                },
            )
        )
    assert scoreboard.score(1_000).baselines == {"persistence": 0.625, "reversal": 0.375}


def test_reference_that_joins_later_had_said_nothing_before() -> None:
    scoreboard = Scoreboard()
    scoreboard.happened(outcome(1, "right", baselines={"majority": "right"}))
    scoreboard.happened(outcome(2, "right", baselines={"logistic_five": "right"}))
    score = scoreboard.score(1_000)
    assert score.baselines == {"majority": 0.75}
    assert score.references == {"logistic_five": 0.75}


def test_horizons_are_scored_apart() -> None:
    scoreboard = Scoreboard()
    scoreboard.happened(outcome(1, "right"))
    scoreboard.happened(outcome(1, "wrong", horizon_ms=2_000))
    assert scoreboard.score(1_000).accuracy == 1
    assert scoreboard.score(2_000).accuracy == 0


@pytest.mark.parametrize("seen", [9, 10, 11, 20, 21, 57])
def test_only_the_newest_outcomes_are_scored(seen: int) -> None:
    scoreboard = Scoreboard(most=10)
    for second in range(seen):
        scoreboard.happened(outcome(second, "right" if second >= seen - 4 else "wrong"))
    score = scoreboard.score(1_000)
    assert score.outcomes == min(seen, 10)
    assert score.accuracy == 4 / min(seen, 10)


def test_score_can_be_written_as_json() -> None:
    scoreboard = Scoreboard()
    scoreboard.happened(outcome(1, "right", baselines={"majority": "right"}))
    written = msgspec.json.decode(msgspec.json.encode(scoreboard.score(1_000)))
    assert written["accuracy"] == written["accuracy_all"] == 1.0


def test_predictions_and_abstentions_are_counted_as_they_are_made(
    make_features: Callable[..., Features], make_model: Callable[..., TrainedModel]
) -> None:
    predictor = Predictor("m", timeframe="1s", base="1s", horizons_ms=(1_000,))
    predictor.install({1_000: make_model()})
    scoreboard = Scoreboard()
    for second, imbalance in enumerate([0.5, None, 0.0, -0.5], 1):
        for message in predictor.update(make_features(1_000 * second, 100.0, imbalance=imbalance)):
            if isinstance(message, Outcome):
                scoreboard.happened(message)
            else:
                scoreboard.predicted(message)
    score = scoreboard.score(1_000)
    assert (score.predictions, score.abstentions, score.outcomes) == (4, 2, 3)
