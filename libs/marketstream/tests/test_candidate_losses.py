"""Log losses of candidates: on moved rows, of who spoke, of the newest."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import pytest

from marketstream.candidate_losses import SERVED, CandidateLosses
from marketstream.messages import Outcome, Prediction, Said


def prediction(second: int, said: Mapping[str, float], served: float = 0.6) -> Prediction:
    return Prediction(
        market="binance:BTC/USDT", timeframe="1s", close_time_ms=1_000 * second, horizon_ms=1_000,
        role="champion", model_name="average", model_version="1", label_latency_ms=0, mid=100.0,
        close=100.0, expected_return=0.0, predicted_price=100.0, p_up=0.5 * served, p_flat=0.5,
        p_down=0.5 * (1 - served), low=99.0, high=101.0, level=0.8, direction="up", reason=None,
        answers={}, candidates={n: Said(p, 1 / len(said), f"{n}:1") for n, p in said.items()},
    )  # fmt: skip


def outcome(second: int, moved: float) -> Outcome:
    return Outcome(
        market="binance:BTC/USDT", timeframe="1s", close_time_ms=1_000 * second, horizon_ms=1_000,
        role="champion", model_version="1", realised_mid=100.0, realised_return=moved,
        close_return=0.0, verdict="right", close_verdict="right", inside=True, baselines={},
    )  # fmt: skip


def told(kept: CandidateLosses, second: int, moved: float, **said: float) -> None:
    kept.predicted(prediction(second, said))
    kept.happened(outcome(second, moved))


def test_losses_are_those_of_moved_rows_at_which_a_candidate_spoke_the_least_first() -> None:
    kept = CandidateLosses(100)
    told(kept, 1, 1e-4, lightgbm=0.8, logistic=0.5)
    told(kept, 2, 0.0, lightgbm=0.1, logistic=0.1)
    told(kept, 3, -1e-4, lightgbm=0.8)
    told(kept, 4, -1e-4, lightgbm=0.2, newcomer=0.1)
    losses = kept.losses()
    assert list(losses) == ["newcomer", "lightgbm", "logistic", SERVED]
    assert losses["lightgbm"].rows == losses[SERVED].rows == 3
    assert losses["lightgbm"].log_loss == pytest.approx(-(2 * log(0.8) + log(0.2)) / 3)
    assert losses[SERVED].log_loss == pytest.approx(-(log(0.6) + 2 * log(0.4)) / 3)
    assert losses["newcomer"].rows == 1
    assert losses["newcomer"].ahead == pytest.approx(log(0.9) - log(0.4))


def test_the_newest_moves_count_and_what_was_never_predicted_does_not() -> None:
    kept = CandidateLosses(10)
    for second in range(35):
        told(kept, second, 1e-4, lightgbm=0.5 if second < 25 else 0.9)
    kept.happened(outcome(99, 1e-4))
    assert kept.losses()["lightgbm"].rows == 10
    assert kept.losses()["lightgbm"].log_loss == pytest.approx(-log(0.9))
    assert CandidateLosses(10).losses() == {}
