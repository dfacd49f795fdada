"""Alerts arrive once their receiver can take them, signed, not too many, and tell no secret."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace
from pydantic import SecretStr

from storekeeper.alerts.alert import Alert
from storekeeper.alerts.endpoints import Endpoint, Telegram, Webhook, endpoints_of
from storekeeper.alerts.sending import MOST_WAITING, Result, Sender
from storekeeper.alerts.settings import AlertSettings

from .receiver import Receiver, Say, receiving

ALERT = Alert(
    "stall", "binance:BTC/USDT", "began", "stalled", 1_000, 10**15, {"since_ms": 7, "what": "é"}
)


class Sending:
    """What became of alerts that were sent to one address."""

    def __init__(self, endpoint: Endpoint, *, per_minute: int = 600, timeout_s: float = 5) -> None:
        self.ended: list[tuple[str, Result]] = []
        self.changed = asyncio.Event()
        self.sender = Sender(
            endpoint, per_minute=per_minute, timeout_s=timeout_s, clock=time.time_ns,
            ended=self._note, first_wait_s=0.01,
        )  # fmt: skip

    def _note(self, alert: Alert, result: Result) -> None:
        self.ended.append((alert.text, result))
        self.changed.set()

    async def until(self, many: int) -> None:
        running = asyncio.create_task(self.sender.run())
        try:
            async with asyncio.timeout(20):
                while len(self.ended) < many:
                    self.changed.clear()
                    await self.changed.wait()
        finally:
            running.cancel()


def sent(say: Say, *alerts: Alert, timeout_s: float = 5) -> tuple[Receiver, Sending]:
    async def run() -> tuple[Receiver, Sending]:
        async with receiving(say) as receiver:
            sending = Sending(Webhook(receiver.url, "s3cret"), timeout_s=timeout_s)
            sending.sender.put(alerts)
            await sending.until(len(alerts))
            return receiver, sending

    return asyncio.run(run())


def test_a_receiver_that_fails_then_hangs_then_answers_gets_the_same_alert(
    logged: list[str],
) -> None:
    says: list[web.Response | float] = [web.Response(status=503), 30.0, web.Response(status=204)]
    receiver, sending = sent(lambda number: says[number], ALERT, timeout_s=0.3)
    assert sending.ended == [("stalled", "delivered")]
    assert sending.sender.waiting == ()
    first, second, third = receiver.requests
    assert first.body == second.body == third.body
    assert msgspec.json.decode(third.body) == {
        "id": ALERT.id, "kind": "stall", "market": "binance:BTC/USDT",
        "at": "1970-01-01T00:00:01.000Z", "text": "stalled",
        "details": {"since_ms": 7, "what": "é"},
    }  # fmt: skip
    assert any("HTTP 503" in line for line in logged)
    assert any("no answer in time" in line for line in logged)
    assert not [line for line in logged if "t0ken" in line or "s3cret" in line]


def test_the_signature_is_of_the_time_and_the_body() -> None:
    receiver, _ = sent(lambda _: web.Response(), ALERT)
    (request,) = receiver.requests
    said_s = request.headers["X-Realtime-Timestamp"]
    assert abs(int(said_s) - time.time()) < 60
    expected = hmac.new(b"s3cret", f"{said_s}.".encode() + request.body, hashlib.sha256)
    assert request.headers["X-Realtime-Signature"] == f"v1={expected.hexdigest()}"
    assert request.headers["X-Realtime-Id"] == ALERT.id


def test_what_is_refused_is_not_sent_again_and_holds_nothing_up(logged: list[str]) -> None:
    says = [
        web.Response(status=404),
        web.Response(status=302, headers={"Location": "/elsewhere"}),
        web.Response(),
    ]
    alerts = [replace(ALERT, text=text) for text in ("one", "two", "three")]
    receiver, sending = sent(lambda number: says[number], *alerts)
    assert sending.ended == [("one", "refused"), ("two", "refused"), ("three", "delivered")]
    assert len(receiver.requests) == 3
    assert not [line for line in logged if "t0ken" in line]


def test_nobody_there_is_asked_again_until_the_alert_is_worth_nothing(logged: list[str]) -> None:
    async def run() -> list[tuple[str, Result]]:
        async with receiving() as receiver:
            url = receiver.url
        sending = Sending(Webhook(url, None))
        soon_ms = time.time_ns() // 1_000_000 + 300
        sending.sender.put([replace(ALERT, until_ms=soon_ms)])
        await sending.until(1)
        return sending.ended

    assert asyncio.run(run()) == [("stalled", "expired")]
    assert any("ClientConnectorError" in line for line in logged)
    assert not [line for line in logged if "t0ken" in line]


def test_a_receiver_says_how_long_to_wait() -> None:
    says = [
        web.Response(status=429, headers={"Retry-After": "0.4"}),
        web.json_response({"ok": False, "parameters": {"retry_after": 0.4}}, status=429),
        web.Response(),
    ]
    began_s = time.monotonic()
    receiver, _ = sent(lambda number: says[number], ALERT)
    assert len(receiver.requests) == 3
    assert 0.75 < time.monotonic() - began_s < 10


@pytest.mark.parametrize("said", ["nan", "-1", "-inf", "soon"])
def test_a_wait_that_makes_no_sense_is_none(said: str) -> None:
    says = [web.Response(status=503, headers={"Retry-After": said}), web.Response()]
    receiver, sending = sent(lambda number: says[number], ALERT)
    assert len(receiver.requests) == 2
    assert sending.ended == [("stalled", "delivered")]


def test_no_more_are_sent_than_a_minute_may_have() -> None:
    async def run() -> tuple[int, float]:
        async with receiving() as receiver:
            sending = Sending(Webhook(receiver.url, None), per_minute=100)
            sending.sender.put([replace(ALERT, text=str(number)) for number in range(101)])
            began_s = time.monotonic()
            await sending.until(101)
            return len(receiver.requests), time.monotonic() - began_s

    requests, took_s = asyncio.run(run())
    assert requests == MOST_WAITING, "one was dropped, for a hundred may wait"
    assert took_s < 5, "a minute's worth goes at once"

    async def beyond() -> int:
        async with receiving() as receiver:
            sending = Sending(Webhook(receiver.url, None), per_minute=100)
            sending.sender.put([replace(ALERT, text=str(number)) for number in range(100)])
            running = asyncio.create_task(sending.sender.run())
            await receiver.has(100)
            sending.sender.put([replace(ALERT, text="more")])
            await asyncio.sleep(1.5)
            running.cancel()
            return len(receiver.requests)

    assert asyncio.run(beyond()) == 100


@pytest.mark.parametrize("host", ["hooks..example.com", ".x", "a" * 64 + ".example.com"])
def test_a_host_that_cannot_be_one_is_a_refusal(host: str, logged: list[str]) -> None:
    async def run() -> Sending:
        sending = Sending(Webhook(f"http://{host}/t0ken", None))
        sending.sender.put([ALERT])
        await sending.until(1)
        return sending

    assert asyncio.run(run()).ended == [("stalled", "refused")]
    assert not [line for line in logged if "t0ken" in line]


def test_where_too_many_wait_the_oldest_that_is_not_under_way_is_dropped() -> None:
    async def run() -> Sending:
        async with receiving(lambda _: 30.0) as receiver:
            sending = Sending(Webhook(receiver.url, None), timeout_s=30)
            alerts = [replace(ALERT, text=str(number)) for number in range(MOST_WAITING + 2)]
            sending.sender.put(alerts[:1])
            running = asyncio.create_task(sending.sender.run())
            await receiver.has(1)
            sending.sender.put(alerts[1:])
            running.cancel()
            await asyncio.wait([running])
            return sending

    sending = asyncio.run(run())
    assert sending.ended == [("1", "dropped"), ("2", "dropped")]
    assert [alert.text for alert in sending.sender.waiting][:2] == ["0", "3"]


@pytest.mark.parametrize("never", [web.Response, None], ids=["fails", "hangs"])
def test_an_alert_that_is_never_taken_holds_up_none_of_another_kind_or_market(
    never: type[web.Response] | None,
) -> None:
    others = [
        replace(ALERT, kind="gap", text="gap"), replace(ALERT, market="kraken:BTC/USD", text="far"),
    ]  # fmt: skip

    async def run() -> tuple[Receiver, Sending]:
        def say(number: int) -> web.Response | float:
            if msgspec.json.decode(receiver.requests[number].body)["text"] != "stalled":
                return web.Response()
            return 30.0 if never is None else never(status=500)

        async with receiving(say) as receiver:
            sending = Sending(Webhook(receiver.url, None), timeout_s=0.2)
            sending.sender.put([ALERT, replace(ALERT, text="goes on"), *others])
            await sending.until(2)
            return receiver, sending

    receiver, sending = asyncio.run(run())
    assert sending.ended == [("gap", "delivered"), ("far", "delivered")]
    assert [alert.text for alert in sending.sender.waiting] == ["stalled", "goes on"]
    assert len(receiver.requests) <= 4, "those that were not tried yet come first"


def test_of_a_market_and_kind_alerts_arrive_in_order_however_often_they_are_sent() -> None:
    async def run() -> tuple[Receiver, Sending]:
        says = [web.Response(status=500), web.Response(status=500)]
        async with receiving(lambda n: says[n] if n < 2 else web.Response()) as receiver:
            sending = Sending(Webhook(receiver.url, None))
            sending.sender.put([replace(ALERT, text=text) for text in ("one", "two", "three")])
            await sending.until(3)
            return receiver, sending

    receiver, sending = asyncio.run(run())
    assert [text for text, _ in sending.ended] == ["one", "two", "three"]
    assert len(receiver.requests) == 5


def test_an_address_that_asks_for_a_pause_is_sent_nothing_meanwhile() -> None:
    says = [
        web.Response(status=429, headers={"Retry-After": "0.5"}), web.Response(), web.Response(),
    ]  # fmt: skip
    began_s = time.monotonic()
    receiver, sending = sent(lambda n: says[n], ALERT, replace(ALERT, kind="gap", text="gap"))
    assert time.monotonic() - began_s > 0.45
    assert len(receiver.requests) == 3
    assert sorted(sending.ended) == [("gap", "delivered"), ("stalled", "delivered")]


def test_telegram_is_asked_in_its_own_form() -> None:
    async def run() -> Receiver:
        async with receiving() as receiver:
            base = receiver.url.removesuffix("/hook/t0ken")
            sending = Sending(Telegram(base, "12:abc", "-100"))
            sending.sender.put([ALERT])
            await sending.until(1)
            return receiver

    (request,) = asyncio.run(run()).requests
    assert request.path == "/bot12:abc/sendMessage"
    assert msgspec.json.decode(request.body) == {"chat_id": "-100", "text": "stalled"}


def test_each_address_has_one_endpoint_whose_name_is_no_secret() -> None:
    settings = AlertSettings(
        webhooks=(*[SecretStr("https://a.example/s3cret")] * 2, SecretStr("https://a.example/b")),
        telegram_token=SecretStr("12:abc"),
        telegram_chats=("1", "2"),
    )
    names = [endpoint.name for endpoint in endpoints_of(settings)]
    assert len(set(names)) == len(names) == 4
    assert all(name.startswith("webhook a.example ") for name in names[:2])
    assert not [name for name in names if "s3cret" in name or "12:abc" in name]
