"""Frames in, messages out: the path that the live feed and the replay share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from exchanges.events import (
    Alive,
    BookEvent,
    ContextEvent,
    Event,
    LiquidationEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from marketstream.errors import BadMessage
from marketstream.messages import DeadLetter, Trade
from trades.session.market import MarketSession
from trades.usual import UsualTrades

_OF_A_MARKET = (TradeEvent, QuoteEvent)

type PublishDeadLetter = Callable[[DeadLetter], None]


class Reads(Protocol):
    """Who says what a frame is, such as a `Stream`."""

    name: str

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage where it makes no sense."""
        ...


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
        exchange: Reads,
        sessions: Mapping[str, Hears],
        publish_dead_letter: PublishDeadLetter,
    ) -> None:
        self._source = exchange.name
        self._parse = exchange.parse
        self._sessions = sessions
        self._usual = {
            market: UsualTrades(one if isinstance(one, MarketSession) else None)
            for market, one in sessions.items()
        }
        self._touched: dict[str, Hears] = {}
        self._publish_dead_letter = publish_dead_letter
        self._received_at(0)
        self._ignored = self._dead_letters = 0
        self._beside = 0  # frames that are no event, less events that are no frame of their own

    def reads(self, source: Reads) -> None:
        """Have another say what the next frames are."""
        self._parse = source.parse

    def take(self, frames: Iterable[tuple[int | None, bytes]]) -> Iterator[Notice]:
        """Take in frames with their receive times; yield notices that the connection is worth less.

        Without a receive time, a frame counts as received at its own time, or with the one before
        it. `flush` comes next, as nothing else happens to the sessions in between.
        """
        # Run for every trade, hence the local names.
        parse, usual_trades = self._parse, self._usual
        now_ns, received_us = self._received_ns, self._received_us
        for received_ns, frame in frames:
            if received_ns is not now_ns and received_ns is not None:
                self._received_at(received_ns)
                now_ns, received_us = received_ns, self._received_us
            try:
                event = parse(frame)
            except BadMessage as error:
                self._put_aside(frame, error)
                continue
            if type(event) is TradeEvent and received_ns is not None:  # most are
                usual = usual_trades[event.market]
                if usual.has_begun:
                    trade = event.trade
                    if received_us is not usual.received_us:
                        usual.receive(received_us)
                    if (
                        trade.id == usual.next_id
                        and usual.newest_us <= trade.time_us < usual.until_us
                        and usual.low <= trade.price <= usual.high
                    ):
                        usual.pending.append(trade)
                        usual.next_id = trade.id + 1
                        usual.newest_us = trade.time_us
                        usual.newest_received_us = received_us
                        continue
                self._add_trade(event, usual, frame)
                continue
            notice = self._hear(event, frame, received_ns)
            now_ns, received_us = self._received_ns, self._received_us
            if notice is not None:
                yield notice

    def handle(self, frame: bytes, received_ns: int | None) -> Notice | None:
        """Take in one frame; return what `take` would yield."""
        return next(self.take(((received_ns, frame),)), None)

    def _hear(self, event: Event, frame: bytes, received_ns: int | None) -> Notice | None:
        """Give what a frame says to whom it concerns; return a notice that is for the caller."""
        if isinstance(event, _OF_A_MARKET):
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
            if isinstance(one, _OF_A_MARKET):
                self._beside -= 1
                self._add(one, frame, received_ns)
            elif isinstance(one, Alive):
                self._hear_of_life(one, frame)
            else:
                self._add_beside(one, frame, received_ns)

    def _hear_of_life(self, event: Alive, frame: bytes) -> None:
        """Tell the session of a sign of life of its market, or all of one of the connection."""
        markets = self._sessions if event.market is None else (event.market,)
        try:
            for market in markets:
                self._session_of(market).alive(event, self._received_us)
        except BadMessage as error:
            self._beside -= 1
            self._put_aside(frame, error)

    def _add_trade(self, event: TradeEvent, usual: UsualTrades, frame: bytes) -> None:
        """Give a trade to the session of its market; one that makes no sense is put aside."""
        if usual.has_begun:
            usual.end()
        session = self._sessions[event.market]
        try:
            session.add_trade(event.trade, self._received_us)
        except BadMessage as error:
            self._put_aside(frame, error)
            return
        self._touched[event.market] = session
        if len(usual.pending) > 1:
            usual.begin(self._received_us)

    def _add(self, event: TradeEvent | QuoteEvent, frame: bytes, received_ns: int | None) -> None:
        """Give an event to the session of its market; one that makes no sense is put aside."""
        if received_ns is None and event.time_us is not None:
            self._received_at(event.time_us * 1_000)
        if type(event) is TradeEvent:
            self._add_trade(event, self._usual[event.market], frame)
            return
        session = self._session_of(event.market)
        try:
            session.add(event, self._received_us)
        except BadMessage as error:
            self._put_aside(frame, error)
            return
        self._touched[event.market] = session

    def _session_of(self, market: str) -> Hears:
        """Return the session of a market, which knows of all that came."""
        usual = self._usual[market]
        if usual.has_begun:
            usual.end()
        return self._sessions[market]

    def _add_beside(
        self,
        event: BookEvent | ContextEvent | LiquidationEvent,
        frame: bytes,
        received_ns: int | None,
    ) -> None:
        """Give an event of a book, or what is told of a perpetual, to the session of its market."""
        if received_ns is None and event.time_us is not None:
            self._received_at(event.time_us * 1_000)
        session = self._session_of(event.market)
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
        for market, session in self._touched.items():
            usual = self._usual[market]
            if usual.has_begun:
                usual.end()
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
