"""The trades of recordings that say whose they are, read as their exchange spells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from exchanges.catalogue import venue_named
from exchanges.events import Event, Several, TradeEvent
from marketstream.errors import BadMessage, InputError
from marketstream.messages import Trade
from marketstream.readers import TradeTable, kind_of
from marketstream.readers.numbers import read_numbers, shortest
from marketstream.readers.table import Part, assemble
from marketstream.recordings import header_of, read_frames
from realtime_training.recorded_feed import stream_of
from realtime_training.recorded_market import told_by
from realtime_training.settings import Settings


def read_recorded(
    files: Sequence[Path],
    settings: Settings,
    symbol: str | None,
    advanced: Callable[[int], None] | None = None,
) -> TradeTable | None:
    """Return the trades of recordings, None where a file is none that says whose frames it has.

    Raises InputError where there is no trade in them, or where files contradict each other;
    SettingsError where there are several symbols to choose from.
    """
    if any(kind_of(file) != "frames" or header_of(file) is None for file in files):
        return None
    settings, symbol = told_by(files, settings, symbol)
    assert symbol is not None  # who has a header has a symbol
    name = settings.trades.exchange
    stream = stream_of(name, symbol, name, files)
    unusable: Counter[str] = Counter()
    trades: list[Trade] = []
    for _, frame in read_frames(files, advanced):
        try:
            trades += _trades_in(stream.parse(frame))
        except BadMessage:
            unusable["malformed frame"] += 1
    if not trades:
        raise InputError(f"no trades of {symbol} in {', '.join(map(str, files))}")
    table = assemble([_part(trades)], symbol=symbol, unusable=unusable, ignored=Counter())
    return replace(table, consecutive=venue_named(name).ids == "contiguous")


def _trades_in(event: Event) -> Iterable[Trade]:
    events = event.events if isinstance(event, Several) else (event,)
    return [each.trade for each in events if isinstance(each, TradeEvent)]


def _part(trades: Sequence[Trade]) -> Part:
    def integers(name: str) -> np.typing.NDArray[np.int64]:
        return np.array([getattr(trade, name) for trade in trades], np.int64)

    return Part(
        time_us=integers("time_us"),
        price=shortest(read_numbers([repr(trade.price).encode() for trade in trades])),
        quantity=shortest(read_numbers([repr(trade.quantity).encode() for trade in trades])),
        taker=np.array([1 if trade.taker == "buy" else -1 for trade in trades], np.int8),
        count=integers("count"),
        ids=integers("id"),
    )
