"""Trades to candles on one core, streaming and columnar, beside other libraries' own ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from candles.aggregation import CandleAggregator
from candles.columnar import fold
from marketstream.columns import CandleColumns
from marketstream.errors import RealtimeError
from marketstream.messages import Candle, Trades
from marketstream.readers.table import TradeTable
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.peers import PEERS, Floats, Peer
from realtime_bench.seeded_trades import MARKET, TRADES_PER_MESSAGE, SeededTrades
from realtime_bench.timing import one_core, timed

_TIMEFRAMES = ["1s", "1m"]
_TRADES_PER_SECOND = 1_000
_STREAMED_S, _COLUMNS_S = 500, 5_000  # of market time
_QUICK = 50  # times fewer trades in the same time, so that as many candles close
_ROUNDING = 1e-9  # relative, of volumes that others add up as floats


class _Work(NamedTuple):
    trades: int
    run: Callable[[], Any]


def bench_candles(effort: Effort, say: Say, peers: Mapping[str, Peer] = PEERS) -> Measured:
    """Measure trades per second of both paths, and of the peers that are installed."""
    say("making the trades")
    rate = _TRADES_PER_SECOND / (_QUICK if effort.quick else 1)
    columns = SeededTrades(rate, _COLUMNS_S).table()
    first = SeededTrades(rate, _STREAMED_S)
    few, messages = first.table(), first.messages()
    tables = {name: columns if peer.columnar else few for name, peer in peers.items()}
    with one_core() as core:
        ours = _ours(messages, few, columns)
        theirs = {
            name: _theirs(f"{name} {peer.version}", peer, tables[name], say)
            for name, peer in peers.items()
            if peer.version is not None
        }
        rates: dict[str, list[float]] = {name: [] for name in (*ours, *peers)}
        for number in range(1, effort.runs + 1):  # all in turn: what disturbs one disturbs all
            say(f"run {number} of {effort.runs}")
            for name, work in (ours | theirs).items():
                rates[name].append(work.trades / timed(work.run)[0])
    missing = [name for name in peers if name not in theirs]
    if missing:
        say(f"left out, as not installed: {', '.join(missing)}; uv sync --group peers brings them")
    conditions = {
        "trades_per_second_of_the_market": rate,
        "streaming": {
            "timed": "CandleAggregator.update for each message, a quote in each",
            "trades": len(few),
            "trades_per_message": TRADES_PER_MESSAGE,
            "timeframes": _TIMEFRAMES,
        },
        "columnar": {
            "timed": "candles.columnar.fold", "trades": len(columns), "timeframe": "1m",
        },
        "peers": {
            name: {
                "timed": peer.timed,
                "version": peer.version,
                "trades": len(tables[name]),
                "timeframe": peer.timeframe,
            }
            for name, peer in peers.items()
        },
        "core": core,
    }  # fmt: skip
    return Measured(
        {name: rates[name] for name in ours}, conditions, {name: rates[name] for name in peers}
    )


def _ours(messages: Sequence[Trades], few: TradeTable, columns: TradeTable) -> dict[str, _Work]:
    """Return the work of both paths, done once; raises where they make different candles."""
    for timeframe in _TIMEFRAMES:
        closed = [one for one in _stream(messages) if one.timeframe == timeframe]
        _compare("the streaming path", _streamed(closed), _expected(few, timeframe))
    _fold(columns, "1m")  # the first time memory is still to be had from the system
    return {
        "streaming_per_second": _Work(len(few), partial(_stream, messages)),
        "columnar_per_second": _Work(len(columns), partial(_fold, columns, "1m")),
    }


def _theirs(name: str, peer: Peer, trades: TradeTable, say: Say) -> _Work:
    """Return the work of a peer, done once; raises where it makes other candles than ours."""
    say(f"preparing {name}")
    prepared = peer.prepare(trades)
    made = prepared.candles(prepared.work())
    _compare(name, made, _expected(trades, peer.timeframe))
    return _Work(len(trades), prepared.work)


def _stream(messages: Sequence[Trades]) -> list[Candle]:
    aggregator = CandleAggregator(MARKET, _TIMEFRAMES)
    closed: list[Candle] = []
    for message in messages:
        closed += aggregator.update(message)
    return closed


def _fold(trades: TradeTable, timeframe: str) -> CandleColumns:
    return fold(trades, timeframe, consecutive_ids=True)


def _streamed(candles: Sequence[Candle]) -> Floats:
    return np.array([[c.open_time_ms, c.open, c.high, c.low, c.close, c.volume] for c in candles])


def _expected(trades: TradeTable, timeframe: str) -> Floats:
    candles = _fold(trades, timeframe)
    names = ("open", "high", "low", "close", "volume")
    return np.column_stack([candles.open_time_ms, *map(candles.floats, names)])


def _compare(whose: str, made: Floats, expected: Floats) -> None:
    """Raise RealtimeError where candles differ; the last may be absent, as it has not closed."""
    wrong = f"{len(made)} candles, not {len(expected)}"
    if len(expected) - len(made) in (0, 1):
        expected = expected[: len(made)]
        close = np.abs(made - expected) <= _ROUNDING * expected
        close[:, 0] = made[:, 0] == expected[:, 0]
        rows = np.flatnonzero(~close.all(axis=1))
        if not len(rows):
            return
        wrong = f"{made[rows[0]].tolist()}, not {expected[rows[0]].tolist()}"
    raise RealtimeError(
        f"{whose} makes other candles of the same trades than candles.columnar.fold: {wrong}; "
        "speeds of work that differs say nothing: find out which of the two has changed"
    )
