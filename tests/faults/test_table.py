"""Whatever the exchange does, what is stored is true or says that it is not.

Each test is one thing an exchange did to the running system; the values are what is right.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime_bench.soak.exchange import FaultyExchange
from realtime_bench.soak.system import SystemUnderTest

from .world import FRESH_S, World, assert_proven, lasting, running

pytestmark = pytest.mark.timeout(240)

STARTED_S = 60.0  # a start beside other tests: alone on a machine it takes a fraction of that


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("faults")) as world:
        yield world


@pytest.mark.parametrize(
    ("kinds", "seconds"),
    [
        pytest.param(["zombie"], 12, id="answers pings and sends nothing"),
        pytest.param(["silent_trades"], 12, id="trades silent, quotes alive"),
        pytest.param(["stall"], 12, id="stalls with pongs, then floods"),
        pytest.param(["half_open", "rest_hang"], 12, id="half-open while REST hangs"),
        pytest.param(["half_open", "rest_empty"], 12, id="half-open while REST answers empty"),
        pytest.param(["cut", "connect_503", "rest_500"], 15, id="503 and REST failing"),
        pytest.param(["absurd_time"], 5, id="trades dated minutes to decades off"),
        pytest.param(["id_ahead"], 5, id="ids far ahead"),
        pytest.param(["id_behind"], 5, id="ids far behind"),
        pytest.param(["absurd_price"], 5, id="prices of 0, below, NaN, beyond all bounds"),
        pytest.param(["absurd_quantity"], 5, id="quantities of 0, below, NaN, beyond all bounds"),
        pytest.param(["drop", "rest_wrong_symbol"], 5, id="REST gives another market's trades"),
        pytest.param(["drop", "rest_units"], 5, id="REST gives times in other units"),
        pytest.param(["ids_again"], 2, id="trade ids begin again"),
        pytest.param(["endless"], 8, id="a message that does not end"),
        pytest.param(["cut", "refuse_subscribe"], 8, id="SUBSCRIBE is refused"),
        pytest.param(["clock_skew"], 8, id="the exchange's clock is off"),
    ],
)
def test_nothing_is_lost_undeclared(world: World, kinds: list[str], seconds: float) -> None:
    compared, fresh_s = world.stored_after(lasting(kinds, seconds))
    assert_proven(compared)
    assert fresh_s is not None
    assert fresh_s <= FRESH_S


def test_dropped_frames_at_500_trades_a_second_leave_complete_candles(tmp_path: Path) -> None:
    with running(tmp_path, rate=500) as world:
        compared, _ = world.stored_after(lasting(["drop"], 15))
    assert_proven(compared)
    assert compared.complete > 15


def test_killed_again_and_again_it_predicts_again_and_loses_nothing(world: World) -> None:
    def kill_often(_exchange: FaultyExchange, system: SystemUnderTest) -> None:
        for lived_s in (0.5, 2.0, 4.0):
            system.kill()
            system.start()
            time.sleep(lived_s)
        system.kill()
        system.start()

    compared, fresh_s = world.stored_after(kill_often)
    assert_proven(compared)
    assert fresh_s is not None
    assert fresh_s <= STARTED_S


def test_a_failing_answer_while_the_history_is_read_loses_no_history(world: World) -> None:
    def fail_at_start(exchange: FaultyExchange, system: SystemUnderTest) -> None:
        system.kill()
        exchange.begin("rest_500", seconds=60)
        system.start()
        time.sleep(4)
        exchange.end("rest_500")

    compared, fresh_s = world.stored_after(fail_at_start)
    assert_proven(compared)
    assert fresh_s is not None
