"""How a market is followed, and what its session asks of the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from marketstream.messages import Gap, Trade


@dataclass(frozen=True, slots=True)
class Rules:
    """How a market is followed.

    `hold_s` is how long live trades wait for what is missing before them, 0 for not at all;
    `page_trades` what a page of an answer holds. Nothing is asked for unless `asks`. A gap
    whose trades an answer should have had and did not is asked for again after `denied_wait_s`.
    What takes real time takes `speed` times as much of the market's.
    """

    base_ms: int = 250
    grace_ms: int = 100
    price_decimals: int = 8
    quantity_decimals: int = 8
    hold_s: float = 0.0
    page_trades: int = 1_000
    asks: bool = False
    speed: float = 1.0
    denied_wait_s: tuple[float, ...] = (1.0, 4.0, 15.0, 60.0)


class Known(NamedTuple):
    """Up to where the trades of a market are known: id and time of the last, and the newest ones.

    The id is None where nothing traded so far; then all from `time_us` on is missing. `gaps` are
    those that were still open.
    """

    last_id: int | None = None
    time_us: int = 0
    newest: Sequence[Trade] = ()
    epoch: int = 0
    gaps: Sequence[Gap] = ()


class Ask(NamedTuple):
    """What the exchange is to be asked: trades from an id or time on, the newest, or its clock."""

    kind: Literal["past", "gap", "newest", "time"]
    page_id: int | None = None
    from_ms: int = 0


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
