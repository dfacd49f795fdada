"""The port of an exchange: what it declares of itself, its streams and its REST API.

A venue is a package of this library with a `VENUE`; `exchanges.catalogue` finds it and
`exchanges.checks` says what it has to keep to. There is no socket in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple, Protocol

from exchanges.book import Book
from exchanges.events import BookEvent, Event
from marketstream.klines import Kline
from marketstream.messages import Trade

type Ids = Literal["contiguous", "ordered", "opaque"]
"""What trade ids tell: the very next one, only which of two is later, or nothing."""

type Past = Literal["by_id", "by_time", "none"]
"""How pages of past trades follow on each other: by an id, by a time; or there are none."""

type Silence = Literal["connection", "channel", "last_id"]
"""What a sign of life proves: the line is up, a market is still sent, or none of it is missed.

The last is a heartbeat that names the newest trade; the first all that pings say.
"""


type ContextPart = Literal["mark", "index", "funding", "open_interest", "liquidations"]
"""What a venue may say of a perpetual."""


class Request(NamedTuple):
    """A GET request: path below the base URL, and query."""

    path: str
    query: dict[str, str]


class Host(NamedTuple):
    """Where a venue can be had too."""

    ws_url: str
    rest_url: str


class MarketInfo(NamedTuple):
    """Tick and lot of a market, as the number of their decimals, the lot in base units.

    What an exchange calls one is so many base units, `contract_size`, where it counts in contracts.
    """

    price_decimals: int
    quantity_decimals: int
    contract_size: Fraction = Fraction(1)


class HistoricTrade(NamedTuple):
    """A trade of the past and the id to page by, which need not be the trade's own."""

    page_id: int
    trade: Trade


class Page(NamedTuple):
    """The rows of an answer, as they came: those that are trades, and why others are none."""

    trades: list[HistoricTrade]
    refused: tuple[str, ...] = ()


class Stream(Protocol):
    """What some markets of a venue say over one connection, and what to ask for it.

    `keepalive` is what to send every `keepalive_s`, None where pings of WebSocket itself will do.
    """

    name: str
    markets: tuple[str, ...]
    request_interval_s: float
    keepalive: bytes | None
    keepalive_s: float

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to; raises SettingsError where `ws_url` is no WebSocket URL."""
        ...

    def subscribe_frames(self) -> list[bytes]:
        """Return the frames to send once connected, `request_interval_s` apart."""
        ...

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage, and nothing else, where it makes no sense.

        It never names a market that was not asked for.
        """
        ...


class MakeStream(Protocol):
    """Makes the stream of some symbols; raises SettingsError where one connection can't carry it.

    Its markets are those of `venue`: the venue's own name, or that of a server that only speaks as
    the venue does, whose markets are never taken for the venue's. So many `levels` of their books
    are followed at least, none for 0.
    """

    def __call__(self, symbols: Sequence[str], venue: str, *, levels: int = 0) -> Stream:
        """Return the stream."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextOf:
    """What a venue says of perpetuals beside trades and books, its `parts`, and how it is had.

    `stream` makes what says it beside trades, quotes and books. Where that takes a connection of
    its own, `apart` makes the stream of that one, and what `stream` makes reads its frames without
    asking for them. What has to be asked for by REST is, by `request`, every `every_s`: the stream
    reads the answer as it reads frames.
    """

    parts: frozenset[ContextPart]
    stream: MakeStream
    apart: MakeStream | None = None
    request: Callable[[str], Request] | None = None
    every_s: float = 10.0


class Rest(Protocol):
    """What to ask by REST, and what an answer says; a module of functions will do.

    Parsers are given what was asked for, HTTP status and body. They check symbol and form, and
    raise NetworkError where an answer makes no sense; `exchanges.checked` looks at the rows.
    """

    def market_info_request(self, symbol: str) -> Request:
        """Ask for tick and lot of one symbol."""
        ...

    def parse_market_info(self, symbol: str, status: int, body: bytes) -> MarketInfo:
        """Return tick and lot; raises SettingsError where the symbol is not traded."""
        ...

    def server_time_request(self) -> Request:
        """Ask for the exchange's clock."""
        ...

    def parse_server_time(self, status: int, body: bytes) -> int:
        """Return the exchange's clock in ms."""
        ...

    def trades_request(self, symbol: str, *, page_id: int | None, from_ms: int) -> Request:
        """Ask for a page of trades: from a page id on, or the first from a time on."""
        ...

    def newest_trade_request(self, symbol: str) -> Request:
        """Ask for the newest trade alone; the answer is one of trades."""
        ...

    def parse_trades(self, symbol: str, status: int, body: bytes) -> Page:
        """Return the rows as they came; a row that is no trade of the symbol is refused alone."""
        ...

    def klines_request(self, symbol: str, interval: str, *, from_ms: int) -> Request:
        """Ask for a page of klines from a time on."""
        ...

    def parse_klines(self, symbol: str, status: int, body: bytes) -> list[Kline]:
        """Return klines in the order of time; the last one may still be open.

        Where they do not say when they close, `fetch_klines` does.
        """
        ...


class BookRest(Protocol):
    """How a book is asked for where its stream has changes only; the events say what follows on.

    Raises NetworkError where an answer makes no sense.
    """

    def book_request(self, symbol: str) -> Request:
        """Ask for the best levels of a book, as many as there can be had."""
        ...

    def parse_book(self, market: str, status: int, body: bytes) -> BookEvent:
        """Return the book of a market as it is in the answer, numbered as its changes are."""
        ...


def _whole_book(levels: int, info: MarketInfo | None) -> Book:  # noqa: ARG001 - all are known
    return Book("all")


def _refuses_by_status(body: bytes) -> bool:  # noqa: ARG001 - the status has said it
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """An exchange's kind of market, such as spot, and what it can do.

    `page_trades` and `page_klines` are the most that one answer holds; of past trades no more than
    `past_trades` can be had, None for no bound. Where the past `counts_back`, pages go by the ids
    of trades, end so many rows further on and begin earlier where ids are missing, and none begins
    at a time. Where its trades, quotes and books are `in_contracts`, `exchanges.contracts` has them
    in base units. `kline_fields` are those of `Kline` that its klines really have. `quote_times`
    says whether quotes carry the exchange's time. `most_symbols` go over one connection. The URLs
    are its own; settings may name others, and `other_hosts` are to be tried where they refuse a
    location. Of books `book_levels` can be followed at most, and `book` asks for one that its
    changes can be applied to, where that is by REST; `new_book` begins one of so many levels, with
    checksums where tick and lot are known. Where `weight_header` is set, answers say in it how much
    of `weight_a_minute` was used; `refuses` says of the body of a good answer whether it is that
    too much was asked, after all. Requests to its own URL are `rest_interval_s` apart. Trades of
    the past may stand for those of `past_resolution_ms`, at the time of one of them.
    Where it keeps them for so many `past_days`, those before are in its archive's files alone.
    `market_infos_request` asks for tick and lot of several symbols, and its answer is parsed for
    each of them; None where there is no such request. `context` says what else is told of
    perpetuals.
    """

    name: str
    ws_url: str
    rest_url: str
    ids: Ids
    past: Past
    past_trades: int | None
    page_trades: int
    silence: Silence
    kline_intervals: frozenset[str]
    kline_fields: frozenset[str]
    page_klines: int
    quote_times: bool
    most_symbols: int
    stream: MakeStream
    rest: Rest
    other_hosts: tuple[Host, ...] = ()
    counts_back: bool = False
    in_contracts: bool = False
    book_levels: int = 0
    book: BookRest | None = None
    new_book: Callable[[int, MarketInfo | None], Book] = _whole_book
    weight_header: str = ""
    weight_a_minute: int = 0
    refuses: Callable[[bytes], bool] = _refuses_by_status
    rest_interval_s: float = 0.0
    past_resolution_ms: int = 0
    past_days: int | None = None
    market_infos_request: Callable[[Sequence[str]], Request] | None = None
    context: ContextOf | None = None
