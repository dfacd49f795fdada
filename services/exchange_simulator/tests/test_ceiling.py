"""How far the seeded market can be predicted, and that its control cannot."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from exchange_simulator.market.ceiling import ceiling, expected_moves, realised_moves
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.market.signals import HOUR_US
from exchange_simulator.market.tape import Integers
from marketstream.errors import SettingsError

START_US = 480_000 * HOUR_US
END_US = START_US + 3 * HOUR_US
SECOND_US = 1_000_000
TIMES_US = np.arange(START_US + 120 * SECOND_US, END_US, SECOND_US)


@pytest.fixture(scope="module")
def market() -> SeededMarket:
    return SeededMarket("BTC/USDT", 1)


@pytest.fixture(scope="module")
def control() -> SeededMarket:
    return SeededMarket("BTC/USDT", 1, signals=False, spread_bps=5)


def imbalance(market: SeededMarket, times_us: Integers) -> NDArray[np.int64]:
    quotes = market.quotes(START_US, END_US)
    last = np.searchsorted(quotes.time_us, times_us) - 1
    return quotes.bid_quantity[last] - quotes.ask_quantity[last]


def accuracy(answers: NDArray[np.generic], moves: NDArray[np.generic]) -> float:
    moved = moves != 0
    return float((np.sign(answers[moved]) == np.sign(moves[moved])).mean())


def oracle(market: SeededMarket, horizon_ms: int, latency_ms: int = 0) -> float:
    found = ceiling(
        market, from_us=START_US + 1, to_us=END_US, horizon_ms=horizon_ms, latency_ms=latency_ms
    )
    assert found.n == 3 * 3_600 - 1
    assert 0.97 * found.n < found.moved <= found.n
    assert found.accuracy is not None
    return found.accuracy


def test_the_ceiling_at_two_seconds_is_between_60_and_75_per_cent(market: SeededMarket) -> None:
    assert 0.60 < oracle(market, 2_000) < 0.75


def test_the_ceiling_falls_with_horizon_and_latency(market: SeededMarket) -> None:
    assert oracle(market, 2_000) > oracle(market, 10_000) > oracle(market, 60_000) > 0.52
    assert oracle(market, 2_000) > oracle(market, 2_000, latency_ms=200) > 0.60
    assert oracle(market, 2_000, latency_ms=200) > oracle(market, 2_000, latency_ms=1_000)


def test_expected_moves_are_unbiased_in_size_too(market: SeededMarket) -> None:
    expected = expected_moves(market, TIMES_US, horizon_ms=2_000)
    realised = realised_moves(market, TIMES_US, horizon_ms=2_000)
    slope = (expected * realised).mean() / (expected**2).mean()
    assert slope == pytest.approx(1, abs=0.1)


def test_the_book_alone_comes_near_the_ceiling_and_not_above(market: SeededMarket) -> None:
    moves = realised_moves(market, TIMES_US, horizon_ms=2_000)
    assert 0.63 < accuracy(imbalance(market, TIMES_US), moves) < oracle(market, 2_000)


def test_flow_tells_the_direction(market: SeededMarket) -> None:
    trades = market.trades(START_US, END_US)
    signed = np.concatenate(([0], np.cumsum(np.where(trades.buyer_is_maker, -1, 1))))
    upto, since = (np.searchsorted(trades.time_us, TIMES_US - back) for back in (0, 2_000_000))
    moves = realised_moves(market, TIMES_US, horizon_ms=5_000)
    assert 0.53 < accuracy(signed[upto] - signed[since], moves) < 0.60


def test_past_prices_alone_tell_next_to_nothing(market: SeededMarket) -> None:
    moves = realised_moves(market, TIMES_US, horizon_ms=2_000)
    mid = np.log(market.mids_before(TIMES_US))
    for back_s in (1, 2, 5, 10, 60):
        momentum = mid - np.log(market.mids_before(TIMES_US - back_s * SECOND_US))
        assert accuracy(momentum, moves) == pytest.approx(0.5, abs=0.02)


def test_nothing_foretells_the_mid_of_the_control(control: SeededMarket) -> None:
    moves = realised_moves(control, TIMES_US, horizon_ms=2_000)
    assert accuracy(imbalance(control, TIMES_US), moves) == pytest.approx(0.5, abs=0.015)
    past = realised_moves(control, TIMES_US - 2 * SECOND_US, horizon_ms=2_000)
    assert accuracy(past, moves) == pytest.approx(0.5, abs=0.015)
    assert oracle(control, 2_000) == 0.5


def test_the_last_trade_of_the_control_is_falsely_predictable(control: SeededMarket) -> None:
    trades = control.trades(START_US, END_US)
    back, now, ahead = (
        trades.price[np.searchsorted(trades.time_us, times_us) - 1]
        for times_us in (TIMES_US - 5 * SECOND_US, TIMES_US, TIMES_US + 5 * SECOND_US)
    )
    assert 0.58 < accuracy(back - now, ahead - now) < 0.68


def test_senseless_questions_are_refused(market: SeededMarket) -> None:
    with pytest.raises(SettingsError, match="horizon 0 ms"):
        ceiling(market, from_us=START_US, to_us=END_US, horizon_ms=0)
    with pytest.raises(SettingsError, match="the market begins at"):
        ceiling(market, from_us=0, to_us=END_US, horizon_ms=2_000)


def test_a_range_without_a_decision_has_no_accuracy(market: SeededMarket) -> None:
    found = ceiling(market, from_us=START_US + 1, to_us=START_US + 2, horizon_ms=2_000)
    assert (found.n, found.accuracy) == (0, None)
