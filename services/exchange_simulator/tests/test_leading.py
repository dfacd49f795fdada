"""Several venues of one hidden market: who sees the leader knows what the followers will show."""

from __future__ import annotations

import numpy as np
import pytest

from exchange_simulator.market.ceiling import ceiling, expected_moves, realised_moves
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.market.signals import HOUR_US
from marketstream.errors import SettingsError

START_US = 480_000 * HOUR_US
END_US = START_US + 2 * HOUR_US
TIMES_US = np.arange(START_US + 120_000_000, END_US - 120_000_000, 1_000_000)
LAG_MS = 400


@pytest.fixture(scope="module")
def leader() -> SeededMarket:
    return SeededMarket("BTC/USDT:USDT", 1, venue="binance-usdm")


@pytest.fixture(scope="module")
def follower() -> SeededMarket:
    return SeededMarket("BTC/USD", 1, venue="kraken", lag_ms=LAG_MS)


def accuracy(
    follower: SeededMarket,
    leader: SeededMarket | None,
    horizon_ms: int,
    latency_ms: int = 0,
) -> float:
    found = ceiling(
        follower,
        from_us=START_US + 1,
        to_us=END_US,
        horizon_ms=horizon_ms,
        latency_ms=latency_ms,
        leader=leader,
    )
    assert found.accuracy is not None
    return found.accuracy


def test_a_follower_shows_the_hidden_price_later(
    leader: SeededMarket, follower: SeededMarket
) -> None:
    ahead = leader.hidden_before(TIMES_US - LAG_MS * 1_000)
    behind = follower.hidden_before(TIMES_US)
    assert np.array_equal(ahead.mid, behind.mid)
    assert np.array_equal(ahead.book, behind.book)
    mids = leader.mids_before(TIMES_US - LAG_MS * 1_000), follower.mids_before(TIMES_US)
    assert np.median(np.abs(mids[0] / mids[1] - 1)) < 0.2e-4


def test_binance_shows_the_market_that_the_others_hide(leader: SeededMarket) -> None:
    spot = SeededMarket("BTC/USDT", 1)
    assert np.array_equal(spot.hidden_before(TIMES_US).mid, leader.hidden_before(TIMES_US).mid)


def test_each_venue_has_trades_and_books_of_its_own(
    leader: SeededMarket, follower: SeededMarket
) -> None:
    to_us = START_US + 60_000_000
    ours, theirs = (one.trades(START_US, to_us) for one in (leader, follower))
    assert not np.array_equal(ours.time_us, theirs.time_us)
    assert not np.array_equal(
        leader.quotes(START_US, to_us).bid_quantity[:100],
        follower.quotes(START_US, to_us).bid_quantity[:100],
    )


def test_who_sees_the_leader_is_right_far_more_often(
    leader: SeededMarket, follower: SeededMarket
) -> None:
    alone, seeing = (accuracy(follower, one, 1_000) for one in (None, leader))
    assert 0.60 < alone < 0.75
    assert seeing > alone + 0.08


def test_within_the_lag_the_leader_tells_all_but_ticks(
    leader: SeededMarket, follower: SeededMarket
) -> None:
    assert accuracy(follower, leader, LAG_MS - 100) > 0.97


def test_a_latency_as_long_as_the_lag_leaves_what_the_leader_alone_is_worth(
    leader: SeededMarket, follower: SeededMarket
) -> None:
    behind = accuracy(follower, leader, 2_000, latency_ms=LAG_MS)
    assert behind == pytest.approx(accuracy(leader, None, 2_000), abs=0.02)


@pytest.mark.parametrize(("horizon_ms", "latency_ms"), [(1_000, 0), (300, 0), (2_000, 600)])
def test_moves_that_the_leader_foretells_are_unbiased_in_size(
    leader: SeededMarket, follower: SeededMarket, horizon_ms: int, latency_ms: int
) -> None:
    expected = expected_moves(
        follower, TIMES_US, horizon_ms=horizon_ms, latency_ms=latency_ms, leader=leader
    )
    realised = realised_moves(follower, TIMES_US, horizon_ms=horizon_ms, latency_ms=latency_ms)
    slope = (expected * realised).mean() / (expected**2).mean()
    assert slope == pytest.approx(1, abs=0.1)


def test_lags_that_make_no_sense_are_refused(leader: SeededMarket, follower: SeededMarket) -> None:
    for lag_ms in (-20, 30, 60_020):
        with pytest.raises(SettingsError, match=f"a lag of {lag_ms} ms"):
            SeededMarket("BTC/USD", 1, venue="kraken", lag_ms=lag_ms)
    with pytest.raises(SettingsError, match="a leader that lags by 400 ms"):
        accuracy(leader, follower, 1_000)
