"""The port of a venue's server side: which paths there are, and what is said over them.

A venue is a package of `exchange_simulator.venues` with a `SERVER`. Connections, the course of
market time, limits and faults are the same for all, and not in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from aiohttp import web

from exchange_simulator.faults.marks import Marks
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.limits import Refusal, WeightLimit
from exchange_simulator.serving.view import Channel, Row, View


class Pace(NamedTuple):
    """At most so many events in any `seconds`."""

    events: int
    seconds: float


_MESSAGES, _ATTEMPTS = Pace(5, 1.0), Pace(300, 300.0)


@dataclass(frozen=True)
class ConnectionRules:
    """How long connections live and how much they may say.

    Where `ping_interval_s` is None the server pings nobody. A connection over which neither side
    has said anything for `idle_s` is cut, and one that has not subscribed within
    `subscribe_within_s`; None for no such rule. `attempts` are those of one address.
    """

    ping_interval_s: float | None = 20.0
    pong_timeout_s: float = 60.0
    idle_s: float | None = None
    subscribe_within_s: float | None = None
    life_s: float = 86_400.0
    messages: Pace = _MESSAGES
    attempts: Pace = _ATTEMPTS


class Allowance(NamedTuple):
    """How much one address may ask for by REST: `weight` in each `seconds`.

    Where it `bans`, who does not heed the refusal is not answered for minutes.
    """

    weight: int
    seconds: int
    bans: bool = False


class RefusedError(Exception):
    """An answer that says no: HTTP status, body and headers."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


class Answer(NamedTuple):
    """A body in JSON and the headers that belong to it."""

    body: bytes
    headers: Mapping[str, str] = {}


class Route(NamedTuple):
    """A path of the REST API, the weight of a request, and what answers it.

    `answer` may raise RefusedError.
    """

    path: str
    weight: int
    answer: Callable[[web.Request], Awaitable[Answer]]


class Session(Protocol):
    """One connection's side of the protocol, with no socket."""

    def view(self) -> View:
        """Return what is to be sent over it."""
        ...

    def greeting(self) -> Sequence[str]:
        """Return what is said to who has just connected."""
        ...

    def handle(self, text: str) -> Sequence[str]:
        """Take one message, change what it asks for, and return what is said to it."""
        ...

    def refusal(self, text: str) -> str | None:
        """Return the error that refuses a subscription, None where the message is none."""
        ...


class VenueServer(ABC):
    """What a venue says of the markets of an exchange, and how it takes requests.

    `ws_path` is the one to connect to, `ws_paths` are all there are, in aiohttp's form.
    """

    ws_path: ClassVar[str]
    ws_paths: ClassVar[tuple[str, ...]]
    rules: ClassVar[ConnectionRules]
    allowance: Allowance
    marks: ClassVar[Marks]

    def __init__(self, exchange: Exchange, allowance: Allowance | None = None) -> None:
        self.exchange = exchange
        if allowance is not None:
            self.allowance = allowance

    @staticmethod
    @abstractmethod
    def wire_symbol(symbol: str) -> str:
        """Return a symbol as the venue writes it."""

    @abstractmethod
    def session(self, request: web.Request) -> Session:
        """Return a connection's side; raises RefusedError for one that is not accepted."""

    @abstractmethod
    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a channel says of a cut of its market's time."""

    @abstractmethod
    def routes(self) -> list[Route]:
        """Return the REST API."""

    @abstractmethod
    def over_limit(self, limit: WeightLimit, refusal: Refusal) -> RefusedError:
        """Return what is answered to an address that asks for too much."""

    def too_many_attempts(self) -> RefusedError:
        """Return what is answered to an address that connects too often."""
        return RefusedError(429, b'{"message":"too many connection attempts"}')

    def limit_headers(self, limit: WeightLimit) -> Mapping[str, str]:
        """Return what each answer says of how much was asked for."""
        del limit
        return {}

    def dressed(self, channel: str, frame: bytes) -> bytes:
        """Return a frame as a combined view shows it."""
        del channel
        return frame

    def farewell(self, view: View, now_us: int, *, ended: bool) -> bytes | None:
        """Return what is said before connections are closed, because a recording ended or not."""
        del view, now_us, ended
        return None
