"""`realtime demo` runs a leader and its follower, and has the follower look at the leader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marketstream.plan import Plan
from marketstream.symbols import market_of
from marketstream.testing import running_command
from realtime_training.commands.demo.work import LAG_MS, choices, looking_at_leaders
from realtime_training.settings import load_all
from realtime_training.system import check_features

LEADER, FOLLOWER = "leader:BTC/USDT:USDT", "follower:BTC/USD"


@pytest.mark.timeout(400)
def test_a_leader_and_its_follower_are_followed_and_the_follower_sees_the_leader(
    tmp_path: Path,
) -> None:
    with running_command(tmp_path, command="demo") as live:
        path = "/predictions/follower/BTC-USD"
        live.wait_for("prediction of the follower", lambda: live.get(path)[0] == 200, 300)
        assert {LEADER, FOLLOWER} == set(live.get("/scoreboard")[1])

        def sees_the_leader() -> bool:
            rows = live.get("/indicators/follower/BTC-USD")[1]["rows"]
            return any(row["values"]["leader_return_1"] is not None for row in rows)

        live.wait_for("move of the leader among the follower's features", sees_the_leader)
        assert live.stop()[0] == 0
    assert "Traceback" not in live.log.read_text()


def test_the_follower_shows_the_leaders_market_later() -> None:
    leader, follower = choices(1).values()
    assert [market_of(name, one.symbols[0]) for name, one in choices(1).items()] == [
        LEADER,
        FOLLOWER,
    ]
    assert (leader.lag_ms, follower.lag_ms) == (0, LAG_MS)
    assert leader.seed == follower.seed


def test_each_seed_is_a_pair_of_exchanges_of_its_own() -> None:
    assert not choices(1).keys() & choices(7).keys()
    assert {one.seed for one in choices(7).values()} == {7}


def test_features_of_leaders_come_beside_those_that_there_are_and_once() -> None:
    before = load_all()
    settings = looking_at_leaders(before)
    plan = Plan((LEADER, FOLLOWER), "1s", (1,), groups={"demo": (LEADER, FOLLOWER)})
    check_features(plan, settings)
    known = before.predictor.features
    assert settings.predictor.features[: len(known)] == known
    assert "leader_return_1" in settings.predictor.features[len(known) :]
    again = looking_at_leaders(settings)
    assert replace(again) == settings
