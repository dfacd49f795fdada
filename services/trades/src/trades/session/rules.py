"""How a market is followed, and what its session asks of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from exchanges.book import Book
from exchanges.venue import Ids, Past, Silence
from marketstream.messages import Gap, Trade

_DATED_US = 2_500_000  # between two times of one trade: an event may be dated a little ahead


@dataclass(frozen=True, slots=True)
class Rules:
    """How a market is followed.

    `hold_s` is how long live trades wait for what is missing before them, 0 for not at all;
    `page_trades` what a page of an answer holds; what ids tell, how pages follow on each other,
    whether they go by the ids of trades (`pages_by_trade`), how much of the past can be had, how
    long a time a trade of it may stand for and what signs of life prove is as the venue says.
    Nothing is asked for unless `asks`. A gap whose trades an answer should have had and did not is
    asked for again after `denied_wait_s`. What takes real time takes `speed` times as much of the
    market's. Of the book, which `new_book` begins, `levels` a side go with messages every
    `depth_every_ms`, none for 0. With `context` go what is told of perpetuals, which may come by a
    connection of its own (`context_apart`).
    """

    base_ms: int = 250
    grace_ms: int = 100
    price_decimals: int = 8
    quantity_decimals: int = 8
    hold_s: float = 0.0
    page_trades: int = 1_000
    asks: bool = False
    ids: Ids = "contiguous"
    past: Past = "by_id"
    pages_by_trade: bool = False
    past_trades: int | None = None
    silence: Silence = "connection"
    past_resolution_ms: int = 0
    speed: float = 1.0
    levels: int = 0
    depth_every_ms: int = 100
    new_book: Callable[[], Book] = Book
    context: bool = False
    context_apart: bool = False
    denied_wait_s: tuple[float, ...] = (1.0, 4.0, 15.0, 60.0)

    @property
    def numbered(self) -> bool:
        """Whether ids number the trades one by one, so that a jump shows what is missing."""
        return self.ids == "contiguous"

    @property
    def only_newest(self) -> bool:
        """Whether all of the past that can be had is one page, of the newest trades."""
        return self.past_trades is not None and self.past_trades <= self.page_trades

    @property
    def beyond_the_past(self) -> str:
        """Why what is older than all that can be had is lost."""
        return f"the exchange gives no more than its newest {self.past_trades} trades"

    @property
    def marks(self) -> bool:
        """Whether a page that begins with a trade that is known has to have it."""
        return self.numbered and not (self.only_newest or self.past_resolution_ms)

    def page_from(self, trade_id: int | None, from_us: int, mark: Mark | None = None) -> Page:
        """Return where to begin: at a trade where pages go by them, or else at a time.

        With a `mark` they begin there: what is between is missing too.
        """
        from_ms = from_us // 1_000
        if not self.pages_by_trade:
            is_in = mark is not None and from_us <= mark.since_us + _DATED_US
            return Page(None, from_ms, mark if is_in and self.marks else None)
        if mark is None or trade_id is None or not self.marks:
            return Page(trade_id, from_ms)
        return Page(mark.id, from_ms, mark)

    def page_after(self, page: Page, last: Row, *, is_full: bool) -> Page:
        """Return where to go on after a page that ends with a row: there, as far as can be.

        By time the last moment is asked for again, for there may be more of it; where one moment
        fills a whole page, what is left of it cannot be had.
        """
        mark = Mark.of(last.trade) if self.marks else None
        if page.mark is not None and page.mark.id > last.trade.id:
            mark = page.mark  # it was not reached yet
        if self.past == "by_id":
            return Page(last.page_id + (mark is None), page.from_ms, mark)
        from_ms = max(last.trade.time_us // 1_000, page.from_ms + is_full)
        return Page(None, from_ms, mark if from_ms <= last.trade.time_us // 1_000 else None)


class Known(NamedTuple):
    """Up to where the trades of a market are known: id and time of the last, and the newest ones.

    The id is None where nothing traded so far; then all from `time_us` on is missing. `price` is
    the last one, by which answers are told from another market's, and so is the `mark` of the last
    trade, where an answer from `time_us` on has it. `gaps` are those that were still open. Where
    only the `epoch` is known, `time_us` is 0.
    """

    last_id: int | None = None
    time_us: int = 0
    newest: Sequence[Trade] = ()
    epoch: int = 0
    gaps: Sequence[Gap] = ()
    price: float | None = None
    mark: Mark | None = None


class Mark(NamedTuple):
    """A trade that is known, by which an answer shows that it is of this market and numbering.

    Its time is between two, both included.
    """

    id: int
    price: float
    since_us: int
    until_us: int

    @property
    def at_us(self) -> int:
        """The middle of its time."""
        return (self.since_us + self.until_us) // 2

    @property
    def latest_us(self) -> int:
        """The latest that its time is, where REST dates it no otherwise."""
        return self.until_us - _DATED_US

    @classmethod
    def of(cls, trade: Trade) -> Self:
        """Return that of a trade."""
        return cls.between(trade.id, trade.price, trade.time_us, trade.time_us)

    @classmethod
    def between(cls, trade_id: int, price: float, since_us: int, until_us: int) -> Self:
        """Return that of a trade between two times; REST may date it a little otherwise."""
        return cls(trade_id, price, since_us - _DATED_US, until_us + _DATED_US)

    def is_in(self, rows: Sequence[Row]) -> bool:
        """Say whether rows have it, alone or in an aggregate, or end before its id."""
        if not rows or rows[-1].trade.id < self.id:
            return True
        return any(
            trade.price == self.price and self.since_us <= trade.time_us <= self.until_us
            for trade in self._of_its_id(rows)
        )

    def is_shown(self, rows: Sequence[Row]) -> bool:
        """Say whether rows go so far, and have it."""
        return bool(self._of_its_id(rows)) and self.is_in(rows)

    def is_denied(self, rows: Sequence[Row]) -> bool:
        """Say whether rows have another trade in its place."""
        return bool(self._of_its_id(rows)) and not self.is_in(rows)

    def _of_its_id(self, rows: Sequence[Row]) -> list[Trade]:
        return [trade for _, trade in rows if trade.id - trade.count < self.id <= trade.id]


class Page(NamedTuple):
    """Where a page of past trades begins: at an id to page by, or else at a time.

    Where it begins with or before a trade that is known, it has to have that `mark`.
    """

    page_id: int | None = None
    from_ms: int = 0
    mark: Mark | None = None


class Ask(NamedTuple):
    """What the exchange is to be asked: a page of trades, the newest one, or its clock.

    A page that is asked for a `mark` alone says whether answers have what the stream says now. The
    ids that are asked for are of the numbering `epoch`.
    """

    kind: Literal["past", "gap", "newest", "time", "mark"]
    page: Page = Page()
    epoch: int = 0


class Row(NamedTuple):
    """A trade of an answer, and the id to page by."""

    page_id: int
    trade: Trade


class Answer(NamedTuple):
    """What the exchange said: trades in the order of their ids, asked for at a time of our clock.

    Where it `is_full`, there may be more on the next page. Where it `is_doubtful`, rows of it made
    no sense, and what it lacks proves nothing.
    """

    rows: Sequence[Row]
    asked_us: int
    is_full: bool = False
    is_doubtful: bool = False
