"""Frames in, messages out: the path that the live feed and the replay share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from exchanges.events import (
    Alive,
    BookEvent,
    ContextEvent,
    LiquidationEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from marketstream.errors import BadMessage
from marketstream.messages import DeadLetter, Trade

if TYPE_CHECKING:
    from exchanges.venue import Stream

type PublishDeadLetter = Callable[[DeadLetter], None]


class Hears(Protocol):
    """Who is told what a connection says of one market, and how the connection is.

    What makes no sense to them is a BadMessage. `drop` says why the connection is worth nothing.
    """

    trades: int
    quotes: int
    duplicates: int
    drop: str | None

    @property
    def gaps(self) -> int:
        """How many gaps there were."""
        ...

    @property
    def missing(self) -> int:
        """How many trades are missing."""
        ...

    def add_trade(self, trade: Trade, received_us: int) -> None:
        """Take in a trade."""
        ...

    def add(self, event: TradeEvent | QuoteEvent, received_us: int) -> None:
        """Take in a trade or a quote."""
        ...

    def book(self, event: BookEvent, received_us: int) -> None:
        """Take in an event of the book."""
        ...

    def tell(self, event: ContextEvent | LiquidationEvent, received_us: int) -> None:
        """Take in what is told of a perpetual."""
        ...

    def alive(self, event: Alive, received_us: int) -> None:
        """Take in a sign of life."""
        ...

    def flush(self, received_us: int) -> None:
        """Note the end of a socket read."""
        ...

    def connected(self, received_us: int) -> None:
        """Note that the exchange answers."""
        ...

    def lost(self, received_us: int) -> None:
        """Note that the connection is lost."""
        ...

    def tick(self, received_us: int, *, alive: bool = True) -> None:
        """Note the time."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What has come in so far; `trades` without duplicates, `missing` ids in `gaps` jumps."""

    frames: int = 0
    trades: int = 0
    quotes: int = 0
    ignored: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    gaps: int = 0
    missing: int = 0
    reconnects: int = 0


class Intake:
    """Parse each frame, and give what it says to the session of its market."""

    def __init__(
        self,
        exchange: Stream,
        sessions: Mapping[str, Hears],
        publish_dead_letter: PublishDeadLetter,
    ) -> None:
        self._source = exchange.name
        self._parse = exchange.parse
        self._sessions = sessions
        self._touched: dict[str, Hears] = {}
        self._publish_dead_letter = publish_dead_letter
        self._received_at(0)
        self._ignored = self._dead_letters = 0
        self._beside = 0  # frames that are no event, less events that are no frame of their own

    def handle(self, frame: bytes, received_ns: int | None) -> Notice | None:
        """Take in one frame; return the exchange's notice that the connection is worth no more.

        Without a receive time, a frame counts as received at its own time, or with the one before
        it.
        """
        if received_ns is not None and received_ns is not self._received_ns:
            self._received_at(received_ns)
        try:
            event = self._parse(frame)
            if type(event) is TradeEvent:  # most are
                if received_ns is None:
                    self._received_at(event.time_us * 1_000)
                session = self._sessions[event.market]
                session.add_trade(event.trade, self._received_us)
                self._touched[event.market] = session
                return None
        except BadMessage as error:
            self._put_aside(frame, error)
            return None
        if isinstance(event, QuoteEvent):
            self._add(event, frame, received_ns)
        elif isinstance(event, BookEvent | ContextEvent | LiquidationEvent):
            self._beside += 1
            self._add_beside(event, frame, received_ns)
        elif isinstance(event, Several):
            self._add_several(event, frame, received_ns)
        elif isinstance(event, Alive):
            self._beside += 1
            self._hear_of_life(event, frame)
        else:
            self._ignored += 1
            if isinstance(event, Notice) and event.kind != "subscribed":
                return event
        return None

    def _add_several(self, event: Several, frame: bytes, received_ns: int | None) -> None:
        self._beside += 1
        for one in event.events:
            if isinstance(one, TradeEvent | QuoteEvent):
                self._beside -= 1
                self._add(one, frame, received_ns)
            elif isinstance(one, Alive):
                self._hear_of_life(one, frame)
            else:
                self._add_beside(one, frame, received_ns)

    def _hear_of_life(self, event: Alive, frame: bytes) -> None:
        """Tell the session of a sign of life of its market, or all of one of the connection."""
        market = event.market
        sessions = self._sessions.values() if market is None else (self._sessions[market],)
        try:
            for session in sessions:
                session.alive(event, self._received_us)
        except BadMessage as error:
            self._beside -= 1
            self._put_aside(frame, error)

    def _add(self, event: TradeEvent | QuoteEvent, frame: bytes, received_ns: int | None) -> None:
        """Give an event to the session of its market; one that makes no sense is put aside."""
        if received_ns is None and event.time_us is not None:
            self._received_at(event.time_us * 1_000)
        session = self._sessions[event.market]
        try:
            session.add(event, self._received_us)
        except BadMessage as error:
            self._put_aside(frame, error)
            return
        self._touched[event.market] = session

    def _add_beside(
        self,
        event: BookEvent | ContextEvent | LiquidationEvent,
        frame: bytes,
        received_ns: int | None,
    ) -> None:
        """Give an event of a book, or what is told of a perpetual, to the session of its market."""
        if received_ns is None and event.time_us is not None:
            self._received_at(event.time_us * 1_000)
        session = self._sessions[event.market]
        try:
            if isinstance(event, BookEvent):
                session.book(event, self._received_us)
            else:
                session.tell(event, self._received_us)
        except BadMessage as error:
            self._beside -= 1
            self._put_aside(frame, error)
            return
        self._touched[event.market] = session

    def _put_aside(self, frame: bytes, error: BadMessage) -> None:
        self._dead_letters += 1
        self._publish_dead_letter(DeadLetter(self._source, frame, str(error), self._received_us))

    def _received_at(self, received_ns: int) -> None:
        self._received_ns = received_ns
        self._received_us = received_ns // 1_000

    def flush(self) -> None:
        """Publish what is pending, at the end of a socket read."""
        for session in self._touched.values():
            session.flush(self._received_us)
        self._touched.clear()

    def counts(self, reconnects: int = 0) -> Counts:
        """Return the counts as of now."""
        sessions = self._sessions.values()
        trades = sum(session.trades for session in sessions)
        quotes = sum(session.quotes for session in sessions)
        duplicates = sum(session.duplicates for session in sessions)
        return Counts(
            frames=trades + duplicates + quotes + self._ignored + self._dead_letters + self._beside,
            trades=trades,
            quotes=quotes,
            ignored=self._ignored,
            dead_letters=self._dead_letters,
            duplicates=duplicates,
            gaps=sum(session.gaps for session in sessions),
            missing=sum(session.missing for session in sessions),
            reconnects=reconnects,
        )
