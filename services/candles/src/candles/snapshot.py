"""What a candle operator needs to go on elsewhere, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import msgspec

from candles.bar import Point
from candles.closed import Saved
from candles.ids import IdsState
from marketstream.errors import BadMessage
from marketstream.messages import Context, Depth, Quote, Trades


class Snapshot(msgspec.Struct):
    """The open intervals, ids, last trade, book, what can still be revised, and what is held.

    `arrivals` are the ids of the newest trades where they do not number them, else none.
    """

    timeframes: list[str]
    bars: list[list[Any]]
    end_us: int | None
    ids: IdsState
    last: Point | None
    decimals: tuple[int, int]
    book: Quote | None
    quotes: list[Quote]
    depth: Depth | None
    depths: list[Depth]
    closed: Saved
    held: Sequence[Trades] = ()
    arrivals: list[int] = []
    context: Context | None = None
    contexts: list[Context] = []

    def encode(self) -> bytes:
        """Return the snapshot as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, raw: bytes, market: str, timeframes: list[str]) -> Self:
        """Return a snapshot of a market; raises BadMessage where it is for other timeframes."""
        try:
            state = msgspec.msgpack.decode(raw, type=cls)
        except msgspec.MsgspecError as error:
            raise BadMessage(
                f"snapshot of {market} is of another version ({error}): drop it and fold again"
            ) from error
        if state.timeframes != timeframes:
            raise BadMessage(
                f"snapshot of {market} is for timeframes {state.timeframes}, "
                f"not for {timeframes}: drop it and fold again"
            )
        return state
