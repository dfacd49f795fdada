"""Nothing is learnt from, or judged by, what was not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketstream.columns import FeatureTable, Floats, PriceSeries
from predictor.models import LEARNERS, Flags
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel, train
from predictor.training.prices import on_grid

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]


def said(model: TrainedModel, table: FeatureTable) -> Floats:
    champion = model.champion
    return champion.up.probability(table.columns(champion.columns))


@dataclass
class Watched:
    """A learner that remembers the times of the rows it fits and judges, which are a feature."""

    fits: list[Floats] = field(default_factory=list)
    judged: list[Floats] = field(default_factory=list)

    def fit(self, rows: Floats, up: Flags, hyperparameters: Mapping[str, float]) -> Watched:
        self.fits.append(rows[:, 0])
        return self

    def probability(self, rows: Floats) -> Floats:
        self.judged.append(rows[:, 0])
        return np.full(len(rows), 0.5)

    def probability_of(self, row: Sequence[float]) -> float:
        return 0.5


def quarter_seconds(rows: int, seed: int) -> tuple[FeatureTable, PriceSeries]:
    """Decide every 250 ms on nothing but the time; some prices and whole stretches are missing."""
    random = np.random.default_rng(seed)
    times = 250 * np.arange(1, rows + 1, dtype=np.int64)
    times = times[random.random(rows) < 0.9]
    mid = random.uniform(99, 101, len(times))
    table = FeatureTable(
        times, ("time",), times[:, None].astype(float), mid, mid, mid, np.ones(len(times), np.bool_)
    )
    return table, PriceSeries(times, mid, mid, 250)


@given(
    seed=st.integers(0, 99),
    horizon_ms=st.sampled_from([250, 1_000, 2_500]),
    latency_ms=st.sampled_from([0, 1, 249, 250, 700]),
    validation_split=st.sampled_from([0.1, 0.2, 0.37, 0.5]),
)
@settings(deadline=None, max_examples=40)
def test_no_outcome_of_an_earlier_row_reaches_into_the_rows_that_judge(
    make_settings: MakeSettings,
    seed: int,
    horizon_ms: int,
    latency_ms: int,
    validation_split: float,
) -> None:
    table, prices = quarter_seconds(300, seed)
    watched, moves = Watched(), Watched()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LEARNERS, "logistic", replace(LEARNERS["logistic"], fit=watched.fit))
        patch.setattr("predictor.training.fitting.fit_logistic", moves.fit)
        train(
            table, prices, horizon_ms,
            make_settings(columns=("time",), validation_split=validation_split),
            trained_at_ms=0, latency_ms=latency_ms,
        )  # fmt: skip
    whole, earlier = sorted(watched.fits, key=len, reverse=True)
    first_judged = min(times.min() for times in watched.judged)
    ends = [on_grid(int(time) + latency_ms + horizon_ms, 250) for time in earlier]
    np.testing.assert_array_equal(min(moves.fits, key=len), earlier)  # here every price moves
    assert len(earlier) < len(whole)
    assert max(ends) <= first_judged
    assert prices.close_time_ms[-1] >= on_grid(int(whole.max()) + latency_ms + horizon_ms, 250)


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_learnt_from_the_past_does_not_depend_on_the_future(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(600)
    known_ms = 400_000
    past = market.prices.close_time_ms <= known_ms
    prices = PriceSeries(
        market.prices.close_time_ms[past], market.prices.mid[past], market.prices.close[past], 1_000
    )
    one = train(market.table, prices, 5_000, make_settings(learner), trained_at_ms=0)
    other = train(
        market.table.rows(slice(0, 396)), prices, 5_000, make_settings(learner), trained_at_ms=0
    )
    assert one is not None
    assert other is not None
    assert one.rows == other.rows == 396  # decisions at 0 s to 395 s
    assert one.validation == other.validation
    np.testing.assert_array_equal(said(one, market.table), said(other, market.table))
