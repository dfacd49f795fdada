"""What a connection wants to see."""

from __future__ import annotations

from typing import Literal, NamedTuple

type Kind = Literal["trades", "quotes", "book", "klines", "alive", "context"]

type Row = tuple[int, int, bytes]
"""Time in µs, place among what the market did, and the frame."""


class Channel(NamedTuple):
    """Something of one market that can be subscribed to, by the name that the venue gives it.

    `detail` is the interval of klines, or the number of a book's levels.
    """

    name: str
    wire_symbol: str
    kind: Kind
    detail: str = ""


class View(NamedTuple):
    """What a connection wants to see; connections with equal views get the same bytes.

    `combined` frames are dressed by the venue, times are in `microseconds` where it lets one ask.
    """

    channels: frozenset[Channel]
    combined: bool = False
    microseconds: bool = False
