"""How a market is followed, and what its session asks of the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from marketstream.messages import Trade


@dataclass(frozen=True, slots=True)
class Rules:
    """How a market is followed.

    `hold_s` is how long live trades wait for what is missing before them, 0 for not at all;
    `page_trades` what an answer holds at most. Nothing is asked for unless `asks`. A gap
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


class Ask(NamedTuple):
    """What the exchange is to be asked: trades from an id or time on, the newest, or its clock."""

    kind: Literal["past", "gap", "newest", "time"]
    page_id: int | None = None
    from_ms: int = 0


class Row(NamedTuple):
    """A trade of an answer, and the id to page by."""

    page_id: int
    trade: Trade
