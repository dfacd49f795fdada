"""Sends alerts to one address, one at a time: not too many, and again where it does not answer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Literal

import aiohttp
import msgspec
from loguru import logger

from storekeeper.alerts.alert import Alert
from storekeeper.alerts.endpoints import Endpoint

MOST_WAITING = 100
_FIRST_WAIT_S, _MOST_WAIT_S = 1.0, 300.0
_MINUTE_S = 60.0
_MOST_ANSWER = 4_096
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)

type Result = Literal["delivered", "refused", "expired", "dropped"]
RESULTS: tuple[Result, ...] = ("delivered", "refused", "expired", "dropped")
"""What becomes of an alert."""

type Ended = Callable[[Alert, Result], None]


class Answer(msgspec.Struct, frozen=True):
    """What came of a request: whether it was taken, and if not, whether and when to ask again."""

    taken: bool
    again: bool = False
    after_s: float | None = None
    reason: str = ""


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None


class _Telegram(msgspec.Struct, frozen=True):
    parameters: _Parameters = _Parameters()


class Sender:
    """The alerts that wait for one address, the newest hundred, in order.

    An address that does not answer, or has a problem of its own, is tried again after 1, 2, 4 …
    300 s, or as it says, for as long as the alert is worth anything; one that refuses is not.
    `ended` is told what became of each.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        per_minute: int,
        timeout_s: float,
        clock: Callable[[], int],
        ended: Ended,
        first_wait_s: float = _FIRST_WAIT_S,
    ) -> None:
        self.endpoint = endpoint
        self._waiting: deque[Alert] = deque()
        self._there = asyncio.Event()
        self._sent_s: deque[float] = deque(maxlen=per_minute)  # by the loop's clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._clock = clock
        self._ended = ended
        self._first_wait_s = first_wait_s

    @property
    def waiting(self) -> tuple[Alert, ...]:
        """What is still to be sent."""
        return tuple(self._waiting)

    def put(self, alerts: Iterable[Alert]) -> None:
        """Have alerts sent; where too many wait the oldest is given up."""
        for alert in alerts:
            self._waiting.append(alert)
            if len(self._waiting) > MOST_WAITING:
                self._done(self._waiting[1], "dropped", "too many wait")  # the first is under way
            self._there.set()

    async def run(self) -> None:
        """Send what waits until cancelled."""
        async with aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session:
            while True:
                if not self._waiting:
                    self._there.clear()
                    await self._there.wait()
                await self._send(session, self._waiting[0])

    async def _send(self, session: aiohttp.ClientSession, alert: Alert) -> None:
        wait_s = self._first_wait_s
        while alert in self._waiting:
            await self._take_turn()
            if self._clock() // 1_000_000 > alert.until_ms:
                self._done(alert, "expired", "it came to nothing while it waited")
                return
            answer = await ask(session, self.endpoint, alert)
            if answer.taken:
                self._done(alert, "delivered")
                return
            if not answer.again:
                self._done(alert, "refused", answer.reason)
                return
            pause_s = wait_s if answer.after_s is None else max(wait_s, answer.after_s)
            logger.warning(
                "An alert is sent again", to=self.endpoint.name, reason=answer.reason,
                retry_in_s=pause_s,
            )  # fmt: skip
            await asyncio.sleep(pause_s)
            wait_s = min(2 * wait_s, _MOST_WAIT_S)

    async def _take_turn(self) -> None:
        """Wait until one more may be sent."""
        loop, sent_s = asyncio.get_running_loop(), self._sent_s
        if len(sent_s) == sent_s.maxlen and (pause_s := sent_s[0] + _MINUTE_S - loop.time()) > 0:
            await asyncio.sleep(pause_s)
        sent_s.append(loop.time())

    def _done(self, alert: Alert, result: Result, reason: str = "") -> None:
        if alert not in self._waiting:
            return
        self._waiting.remove(alert)
        if result != "delivered":
            logger.warning(
                "An alert did not arrive", to=self.endpoint.name, kind=alert.kind,
                market=alert.market, result=result, reason=reason,
            )  # fmt: skip
        self._ended(alert, result)


async def ask(session: aiohttp.ClientSession, endpoint: Endpoint, alert: Alert) -> Answer:
    """Send an alert once; the reason of a failure holds nothing of the address."""
    post = endpoint.post(alert, int(time.time()))
    try:
        async with session.post(
            post.url, data=post.body, headers=post.headers, allow_redirects=False
        ) as answer:
            status = answer.status
            if status < HTTPStatus.MULTIPLE_CHOICES:
                return Answer(taken=True)
            again = status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            after_s = _seconds(answer.headers.get("Retry-After"))
            if again and after_s is None:
                after_s = _told(await answer.content.read(_MOST_ANSWER))
            return Answer(taken=False, again=again, after_s=after_s, reason=f"HTTP {status}")
    except TimeoutError:
        return Answer(taken=False, again=True, reason="no answer in time")
    except ValueError:  # a host that cannot be one, too
        return Answer(taken=False, reason="the address is no URL")
    except (aiohttp.ClientError, OSError) as error:
        return Answer(taken=False, again=True, reason=type(error).__name__)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else _pause_s(float(text))
    except ValueError:
        return None  # a date: the usual pause will do


def _told(body: bytes) -> float | None:
    """Return what Telegram's answer says of how long to wait."""
    try:
        after_s = msgspec.json.decode(body, type=_Telegram).parameters.retry_after
    except msgspec.MsgspecError:
        return None
    return None if after_s is None else _pause_s(after_s)


def _pause_s(asked_s: float) -> float:
    return min(asked_s, _MOST_WAIT_S) if asked_s > 0 else 0.0  # not a number: none
