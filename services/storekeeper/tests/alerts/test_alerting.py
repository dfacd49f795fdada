"""The storekeeper alerts: from what it hears to what a receiver gets, also over a restart."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from pydantic import SecretStr

from marketstream.errors import StateError
from marketstream.fakes import FakePorts
from marketstream.messages import Gap, Learning, Outcome, Prediction, Stall, Status
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.store.sql import SqlStore, open_store
from storekeeper.alerts.alert import Kind
from storekeeper.alerts.alerting import Alerting
from storekeeper.alerts.settings import AlertSettings
from storekeeper.build import build
from storekeeper.settings import StorekeeperSettings

from .receiver import Receiver, Say, receiving, until

MARKET = "binance:BTC/USDT"
PLAN = Plan((MARKET,), "1s", (1,))
NOW_MS = time.time_ns() // 1_000_000 // 1_000 * 1_000
STALL = Stall(MARKET, (NOW_MS - 60_000) * 1_000, "trades")
LOST = Gap(MARKET, 3, 5, NOW_MS * 1_000, None, "lost", "gone")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def ports(tmp_path: Path, store: SqlStore) -> FakePorts:
    made = FakePorts(tmp_path / "state", store)
    made.now_ns = NOW_MS * 1_000_000
    return made


def prediction(close_ms: int, p_up: float = 0.9) -> Prediction:
    return Prediction(
        MARKET, "1s", close_ms, 1_000, "champion", "average", "7", 0, 100.0, 100.1, 1e-5, 100.5,
        p_up, 0.05, 0.95 - p_up, 99.0, 101.0, 0.8, "up", None, {"majority": "down"},
    )  # fmt: skip


def outcome(close_ms: int, *, right: bool = True) -> Outcome:
    return Outcome(
        MARKET, "1s", close_ms, 1_000, "champion", "7", 100.5, 1e-5, 1e-5,
        "right" if right else "wrong", "right", True,
        dict.fromkeys(("majority", "persistence", "reversal"), "wrong" if right else "right"),
    )  # fmt: skip


def settings_for(receiver: Receiver, **more: Any) -> AlertSettings:
    return AlertSettings(webhooks=(SecretStr(receiver.url),), **{"after_s": 0} | more)


@asynccontextmanager
async def alerting(
    ports: FakePorts, settings: AlertSettings, *, first_wait_s: float = 0.05
) -> AsyncIterator[None]:
    made = Alerting(PLAN, settings, ports, first_wait_s=first_wait_s)
    working = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(30):
            yield
    finally:
        working.cancel()
        await asyncio.wait([working])


def delivered(ports: FakePorts, kind: Kind = "gap") -> float:
    return ports.metrics.alerts.labels(kind, "delivered")._value.get()  # type: ignore[no-any-return]


def told(receiver: Receiver, kind: Kind | None = None) -> list[dict[str, Any]]:
    alerts = [msgspec.json.decode(request.body) for request in receiver.requests]
    return [alert for alert in alerts if kind in (None, alert["kind"])]


def test_skill_that_is_proven_and_lost_is_told_and_a_confident_prediction_with_its_record(
    ports: FakePorts, store: SqlStore
) -> None:
    past = range(NOW_MS - 600_000, NOW_MS - 1_000, 1_000)
    chance = random.Random(7)
    rights = [chance.random() < 0.9 for _ in past]
    store.write([prediction(close_ms) for close_ms in past])
    store.write([outcome(ms, right=right) for ms, right in zip(past, rights, strict=True)])

    async def run() -> Receiver:
        async with receiving() as receiver:
            async with alerting(ports, settings_for(receiver, quiet_s=0)):
                await receiver.has(1)
                ports.pass_on(prediction(NOW_MS - 1_000, 0.7), ports.now_ns)  # not sure enough
                ports.pass_on(prediction(NOW_MS), ports.now_ns)
                await receiver.has(2)
                for close_ms in range(NOW_MS + 1_000, NOW_MS + 900_000, 1_000):
                    ports.pass_on(outcome(close_ms, right=False))
                await until(lambda: len(told(receiver, "skill")) == 2)
            return receiver

    receiver = asyncio.run(run())
    proven, lost = told(receiver, "skill")[:2]
    assert (proven["details"]["before"], proven["details"]["now"]) == ("not known yet", "skill")
    assert "1 s ahead: skill is proven; right 9" in proven["text"]
    assert lost["details"]["before"] == "skill"
    assert lost["details"]["now"] != "skill"
    (confident,) = told(receiver, "confident")
    details = confident["details"]
    assert details["id"] == prediction(NOW_MS).id
    assert (details["as_sure"], details["as_sure_right"]) == (len(rights), sum(rights))
    assert (
        f"with 90%, from 100 to 100.5; right {sum(rights) / len(rights):.1%}" in confident["text"]
    )
    assert f"{sum(rights)} of {len(rights)} as sure as this" in confident["text"]


@pytest.mark.parametrize("ahead_ms", [-600_000, 600_000], ids=["behind", "ahead"])
def test_how_old_a_prediction_is_does_not_go_by_the_clock_of_the_exchange(
    ports: FakePorts, store: SqlStore, ahead_ms: int
) -> None:
    now_ms = NOW_MS + ahead_ms  # at the exchange
    past = range(now_ms - 600_000, now_ms - 10_000, 1_000)
    told_at_ms = now_ms - 5_000, now_ms - 4_000, now_ms
    old_ns = ports.now_ns - 61_000_000_000
    store.write([prediction(close_ms) for close_ms in past])
    store.write([outcome(close_ms) for close_ms in past])

    async def run() -> Receiver:
        async with receiving() as receiver:
            async with alerting(ports, settings_for(receiver, quiet_s=0)):
                await until(lambda: len(told(receiver, "skill")) == 1)
                for close_ms, received_ns in zip(told_at_ms, (old_ns, 0), strict=False):
                    ports.pass_on(prediction(close_ms), received_ns)
                ports.pass_on(LOST)
                await until(lambda: len(told(receiver, "gap")) == 1)
                ports.pass_on(prediction(told_at_ms[2]), ports.now_ns)
                await until(lambda: len(told(receiver, "confident")) == 1)
            return receiver

    (confident,) = told(asyncio.run(run()), "confident")
    assert confident["details"]["id"] == prediction(told_at_ms[2]).id


def test_without_skill_that_is_proven_no_prediction_is_told(ports: FakePorts) -> None:
    async def run() -> Receiver:
        async with receiving() as receiver, alerting(ports, settings_for(receiver)):
            ports.pass_on(prediction(NOW_MS), ports.now_ns)
            ports.pass_on(LOST)
            await receiver.has(1)
            return receiver

    assert [alert["kind"] for alert in told(asyncio.run(run()))] == ["gap"]


def test_what_was_told_is_not_told_again_for_a_while_not_even_by_the_next_start(
    ports: FakePorts, tmp_path: Path, store: SqlStore
) -> None:
    async def run() -> Receiver:
        async with receiving() as receiver:
            settings = settings_for(receiver, quiet_s=900)
            async with alerting(ports, settings):
                ports.pass_on(LOST)
                await until(lambda: delivered(ports) == 1)
            again = FakePorts(tmp_path / "state", store)
            again.now_ns = ports.now_ns + 60_000_000_000
            async with alerting(again, settings):
                again.pass_on(replace(LOST, first_id=7, end_id=9))
                again.pass_on(STALL)  # which shows that it has been looked at
                await receiver.has(2)
                again.now_ns += 900_000_000_000
                again.pass_on(replace(LOST, first_id=8, end_id=9))
                await receiver.has(3)
            return receiver

    alerts = told(asyncio.run(run()))
    assert [alert["kind"] for alert in alerts] == ["gap", "stall", "gap"]
    assert alerts[2]["details"]["count"] == 2, "what waited is told with it"


def test_the_end_of_what_was_told_before_a_stop_is_told_after_the_next_start(
    ports: FakePorts, tmp_path: Path, store: SqlStore
) -> None:
    ended = replace(STALL, end="resumed", until_us=STALL.since_us + 9_000_000)
    before = replace(LOST, first_id=1, since_us=LOST.since_us - 1_000_000)  # alerts began

    async def run() -> Receiver:
        async with receiving() as receiver:
            store.write([before])
            async with alerting(ports, settings_for(receiver)):
                ports.pass_on(STALL)
                await until(lambda: delivered(ports, "stall") == 1)
            store.write([ended, LOST])
            again = FakePorts(tmp_path / "state", store)
            again.now_ns = ports.now_ns
            async with alerting(again, settings_for(receiver)):
                await receiver.has(3)
            return receiver

    receiver = asyncio.run(run())
    assert [one["details"]["end"] for one in told(receiver, "stall")] == ["open", "resumed"]
    (gap,) = told(receiver, "gap")
    assert gap["details"]["count"] == 1, "that which was lost while nobody looked"


def test_a_stall_of_which_nobody_will_say_how_it_ended_is_passed_over(
    ports: FakePorts, tmp_path: Path, store: SqlStore
) -> None:
    async def run() -> Receiver:
        async with receiving() as receiver:
            store.write([STALL])
            async with alerting(ports, settings_for(receiver)):
                ports.pass_on(STALL)
                await until(lambda: delivered(ports, "stall") == 1)
            again = FakePorts(tmp_path / "state", store)
            again.now_ns = ports.now_ns
            async with alerting(again, settings_for(receiver, quiet_s=0)):
                again.pass_on(replace(STALL, since_us=STALL.since_us + 1_000_000))
                await receiver.has(2)
            return receiver

    assert [alert["kind"] for alert in told(asyncio.run(run()))] == ["stall", "stall"]


def test_the_past_is_asked_for_until_it_is_known(ports: FakePorts, store: SqlStore) -> None:
    store.write([replace(LOST, state="open")])
    tried = 0

    class Away(FakePorts):
        def clock(self) -> int:
            self.now_ns += 6_000_000_000  # so that it is asked again at the next look
            return self.now_ns

        def store(self) -> Store:
            nonlocal tried
            tried += 1
            if tried < 3:
                raise StateError("away")
            return store

    away = Away(ports.state)
    away.now_ns = ports.now_ns

    async def run() -> Receiver:
        async with receiving() as receiver, alerting(away, settings_for(receiver)):
            await receiver.has(1)
            return receiver

    assert told(asyncio.run(run()))[0]["kind"] == "gap"
    assert tried == 3


def test_an_alert_that_was_not_taken_before_a_stop_is_sent_by_the_next_start(
    ports: FakePorts, tmp_path: Path, store: SqlStore
) -> None:
    is_away = True
    say: Say = lambda _: web.Response(status=500 if is_away else 200)  # noqa: E731

    async def run() -> Receiver:
        nonlocal is_away
        async with receiving(say) as receiver:
            async with alerting(ports, settings_for(receiver), first_wait_s=60):
                ports.pass_on(LOST)
                await receiver.has(1)
            is_away = False
            again = FakePorts(tmp_path / "state", store)
            again.now_ns = ports.now_ns
            async with alerting(again, settings_for(receiver)):
                await receiver.has(2)
            return receiver

    first, second = asyncio.run(run()).requests
    assert first.body == second.body
    assert "t0ken" not in (tmp_path / "state" / "alerts.json").read_text()
    assert 'realtime_alerts_total{kind="gap",result="delivered"} 0.0' in (
        ports.metrics.render().decode()
    )


def test_a_drift_is_told_once_however_often_it_is_said(ports: FakePorts) -> None:
    learning = Learning(9, 9, book=True, trainings={}, drift="drift of loss: more", drift_ms=5)

    async def run() -> Receiver:
        async with receiving() as receiver:
            settings = settings_for(receiver, quiet_s=0)
            for gaps in (1, 2):
                async with alerting(ports, settings):
                    for _ in range(2):
                        ports.pass_on(Status(MARKET, "predictor", learning))
                    ports.pass_on(replace(LOST, first_id=gaps))
                    while delivered(ports) < gaps:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            return receiver

    alerts = told(asyncio.run(run()), "drift")
    assert [alert["text"] for alert in alerts] == [
        f"{MARKET}: drift of loss: more; models are trained anew"
    ]


def test_damaged_memory_is_said_and_begun_anew(ports: FakePorts, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "alerts.json").write_text("{")

    async def run() -> Receiver:
        async with receiving() as receiver, alerting(ports, settings_for(receiver)):
            ports.pass_on(LOST)
            await receiver.has(1)
            return receiver

    assert len(told(asyncio.run(run()))) == 1


def test_kinds_that_are_not_wanted_and_markets_of_others_are_passed_over(ports: FakePorts) -> None:
    async def run() -> Receiver:
        async with (
            receiving() as receiver,
            alerting(ports, settings_for(receiver, kinds=["stall"])),
        ):
            ports.pass_on(LOST)
            ports.pass_on(replace(STALL, market="kraken:BTC/USD"))
            ports.pass_on(STALL)
            await receiver.has(1)
            return receiver

    (alert,) = told(asyncio.run(run()))
    assert (alert["kind"], alert["market"]) == ("stall", MARKET)


def test_the_storekeeper_alerts_beside_all_else_and_a_receiver_that_is_away_holds_nothing_up(
    ports: FakePorts,
) -> None:
    async def run() -> Receiver:
        async with receiving() as receiver:
            alerts = AlertSettings(
                after_s=0,
                webhooks=(SecretStr("http://127.0.0.1:9/nobody"), SecretStr(receiver.url)),
            )
            settings = StorekeeperSettings(audit_every_s=0, alerts=alerts)
            part = build(PLAN, settings, ports)
            assert part.work is not None
            working = asyncio.ensure_future(part.work())
            ports.pass_on(LOST)
            async with asyncio.timeout(30):
                await receiver.has(1)
            assert not working.done()
            working.cancel()
            await asyncio.wait([working])
            return receiver

    (alert,) = told(asyncio.run(run()))
    assert alert["text"].startswith("binance:BTC/USDT: 1 gap of 2 trades since ")


def test_without_an_address_nothing_is_listened_to(ports: FakePorts, tmp_path: Path) -> None:
    made = Alerting(PLAN, AlertSettings(), ports)
    asyncio.run(asyncio.wait_for(made.run(), 5))
    ports.pass_on(LOST)
    assert not made._heard
    assert not (tmp_path / "state" / "alerts.json").exists()
