"""Sends alerts to one address, one at a time: not too many, and again where it does not answer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
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

type _Name = tuple[str, str]


class Answer(msgspec.Struct, frozen=True):
    """What came of a request: whether it was taken, and if not, whether and when to ask again.

    `is_busy` where all that is sent there has to wait.
    """

    taken: bool
    again: bool = False
    is_busy: bool = False
    after_s: float | None = None
    reason: str = ""


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None


class _Telegram(msgspec.Struct, frozen=True):
    parameters: _Parameters = _Parameters()


class _Line:
    """When the first of a line of alerts, those of a market and kind, is tried again."""

    def __init__(self, wait_s: float) -> None:
        self.tries = 0
        self.due_s = 0.0
        self.wait_s = wait_s


class Sender:
    """The alerts that wait for one address, the newest hundred; of a market and kind in order.

    An address that does not answer, or has a problem of its own, is tried again after 1, 2, 4 …
    300 s, or as it says, for as long as the alert is worth anything; one that refuses is not.
    Meanwhile alerts of other markets and kinds go out, unless the address asks for a pause: those
    first that were tried the least, so one that is not taken holds no new one up for longer than
    a request may take. `ended` is told what became of each.
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
        self._under_way: Alert | None = None
        self._lines: dict[_Name, _Line] = {}  # of those whose first was not taken yet
        self._held_until_s = 0.0  # by the loop's clock, as all that ends with _s but waits
        self._there = asyncio.Event()
        self._sent_s: deque[float] = deque(maxlen=per_minute)
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
                oldest = next(each for each in self._waiting if each is not self._under_way)
                self._done(oldest, "dropped", "too many wait")
            self._there.set()

    async def run(self) -> None:
        """Send what waits until cancelled."""
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session:
            while True:
                self._there.clear()
                alert, due_s = self._next()
                if alert is None or due_s > loop.time():
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(None if alert is None else due_s):
                            await self._there.wait()
                    continue
                self._under_way = alert
                await self._send(session, alert)
                self._under_way = None

    def _next(self) -> tuple[Alert | None, float]:
        """Return what is to be sent next, and when."""
        free_s = self._held_until_s
        if len(self._sent_s) == self._sent_s.maxlen:
            free_s = max(free_s, self._sent_s[0] + _MINUTE_S)
        now_s = asyncio.get_running_loop().time()
        firsts: dict[_Name, Alert] = {}
        for alert in self._waiting:
            firsts.setdefault(_name(alert), alert)
        best: tuple[float, int] | None = None
        chosen: Alert | None = None
        for name, alert in firsts.items():
            line = self._lines.get(name)
            due = (0.0, 0) if line is None else (line.due_s, line.tries)
            order = max(due[0], free_s, now_s), due[1]
            if best is None or order < best:
                best, chosen = order, alert
        return chosen, 0.0 if best is None else best[0]

    async def _send(self, session: aiohttp.ClientSession, alert: Alert) -> None:
        """Try an alert once."""
        if self._clock() // 1_000_000 > alert.until_ms:
            self._done(alert, "expired", "it came to nothing while it waited")
            return
        loop = asyncio.get_running_loop()
        self._sent_s.append(loop.time())
        answer = await ask(session, self.endpoint, alert)
        if answer.taken:
            self._done(alert, "delivered")
            return
        if not answer.again:
            self._done(alert, "refused", answer.reason)
            return
        line = self._lines.setdefault(_name(alert), _Line(self._first_wait_s))
        pause_s = line.wait_s if answer.after_s is None else max(line.wait_s, answer.after_s)
        logger.warning(
            "An alert is sent again", to=self.endpoint.name, reason=answer.reason,
            retry_in_s=pause_s,
        )  # fmt: skip
        line.tries += 1
        line.due_s = loop.time() + pause_s
        line.wait_s = min(2 * line.wait_s, _MOST_WAIT_S)
        if answer.is_busy:
            self._held_until_s = loop.time() + (
                pause_s if answer.after_s is None else answer.after_s
            )

    def _done(self, alert: Alert, result: Result, reason: str = "") -> None:
        self._waiting.remove(alert)
        if result != "dropped" or not any(_name(alert) == _name(each) for each in self._waiting):
            self._lines.pop(_name(alert), None)
        if result != "delivered":
            logger.warning(
                "An alert did not arrive", to=self.endpoint.name, kind=alert.kind,
                market=alert.market, result=result, reason=reason,
            )  # fmt: skip
        self._ended(alert, result)


def _name(alert: Alert) -> _Name:
    return alert.kind, alert.market


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
            is_busy = after_s is not None or status == HTTPStatus.TOO_MANY_REQUESTS
            reason = f"HTTP {status}"
            return Answer(taken=False, again=again, is_busy=is_busy, after_s=after_s, reason=reason)
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
