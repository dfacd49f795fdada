"""Features of the book and of the order flow over spans of sub-second candles.

Streamed and batch give the same bits: both add the same numbers in the same order (newest first),
and use only operations that IEEE 754 rounds correctly (+ - * / and the square root).

`imbalance` is the L1 size imbalance (bid size - ask size) / (bid size + ask size) in -1..1;
`flow_S` the signed share of volume over the span S, (taker buys - taker sells) / volume in -1..1;
`return_S` the mid's simple return over S; `volatility_S` the root of the mean squared base return;
`spread` and `close_against_mid` are fractions of the mid; `trades_S` is a count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats, Times
from marketstream.messages import Candle
from marketstream.timeframes import duration_ms, timeframe_ms
from technical_indicators.rolling import rolling_sum, rows_back

POINT_NAMES = ("imbalance", "spread", "close_against_mid")
SPAN_NAMES = ("imbalance_mean", "flow", "trades", "return", "volatility")


class Microstructure:
    """The streamed side: the last base candles, and the features as of the newest."""

    def __init__(self, base: str, spans: Sequence[str]) -> None:
        base_ms = timeframe_ms(base)
        self._lengths = [duration_ms(span) // base_ms for span in spans]
        self._ends = frozenset(self._lengths)
        self.window = max(self._lengths, default=0) + 1
        self.names = names_of(spans)
        self._rows: deque[_Row] = deque(maxlen=self.window)
        self._last_close_ms = -1
        self._spans: list[float | None] | None = None

    def update(self, candle: Candle) -> None:
        """Fold a closed base candle; a hole in time starts the window anew."""
        if candle.open_time_ms != self._last_close_ms:
            self._rows.clear()
        self._last_close_ms = candle.close_time_ms
        previous = self._rows[-1] if self._rows else None
        self._rows.append(_Row(candle, previous))
        self._spans = None

    def values(self) -> list[float | None]:
        """Return the features as of the newest base candle, in the order of `names`."""
        if not self._rows:
            return [None] * len(self.names)
        newest = self._rows[-1]
        return [newest.imbalance, newest.spread, newest.close_against_mid, *self._of_spans()]

    def peek(self, candle: Candle) -> list[float | None]:
        """Return the features with the book as of a forming candle, and spans as they were."""
        now = _Row(candle, None)
        return [now.imbalance, now.spread, now.close_against_mid, *self._of_spans()]

    def _of_spans(self) -> list[float | None]:
        """Return the features of all spans, made once for each base candle.

        The sums of a shorter span are on the way to those of a longer one: all go back in time.
        """
        if self._spans is not None:
            return self._spans
        rows = self._rows
        of_length: dict[int, list[float | None]] = {}
        imbalance: float | None = 0.0
        squares: float | None = 0.0
        signed = volume = trades = 0.0
        for length, row in enumerate(islice(reversed(rows), self.window - 1), 1):
            if imbalance is not None:
                imbalance = None if row.imbalance is None else imbalance + row.imbalance
            if squares is not None:
                square = row.squared_return
                squares = None if square is None else squares + square
            signed += row.signed_volume
            volume += row.volume
            trades += row.trades
            if length in self._ends:
                before = rows[-1 - length].mid if length < len(rows) else None
                of_length[length] = [
                    None if imbalance is None else imbalance / length,
                    signed / volume if volume > 0 else 0.0,
                    trades,
                    _return(rows[-1].mid, before),
                    None if squares is None else sqrt(squares / length),
                ]
        unknown: list[float | None] = [None] * len(SPAN_NAMES)
        self._spans = [each for span in self._lengths for each in of_length.get(span, unknown)]
        return self._spans


class _Row:
    """What one base candle adds to the sums."""

    __slots__ = (
        "close_against_mid",
        "imbalance",
        "mid",
        "signed_volume",
        "spread",
        "squared_return",
        "trades",
        "volume",
    )

    def __init__(self, candle: Candle, previous: _Row | None) -> None:
        bid, ask = candle.bid, candle.ask
        self.signed_volume = 2 * candle.taker_buy_volume - candle.volume
        self.volume = candle.volume
        self.trades = float(candle.trade_count)
        self.mid: float | None = None
        self.imbalance = imbalance_at(candle.bid_quantity, candle.ask_quantity)
        self.spread: float | None = None
        self.close_against_mid: float | None = None
        if bid is not None and ask is not None:
            mid = (bid + ask) / 2
            self.mid = mid
            self.spread = (ask - bid) / mid
            self.close_against_mid = (candle.close - mid) / mid
        step = None if previous is None else _return(self.mid, previous.mid)
        self.squared_return = None if step is None else step * step


def microstructure_columns(
    columns: Mapping[str, Floats],
    open_time_ms: Times,
    close_time_ms: Times,
    base: str,
    spans: Sequence[str],
) -> dict[str, Floats]:
    """Return the features as of every base candle; NaN where the streamed side says None."""
    bid, ask = columns["bid"], columns["ask"]
    mid = (bid + ask) / 2
    imbalance = imbalances(columns["bid_quantity"], columns["ask_quantity"])
    volume = columns["volume"]
    signed = 2 * columns["taker_buy_volume"] - volume
    run = length_of_run(open_time_ms, close_time_ms)
    step = (mid - rows_back(mid, 1)) / rows_back(mid, 1)
    squares = np.where(run > 1, step * step, np.nan)
    result = {
        "imbalance": imbalance,
        "spread": (ask - bid) / mid,
        "close_against_mid": (columns["close"] - mid) / mid,
    }
    for span in spans:
        length = duration_ms(span) // timeframe_ms(base)
        enough = run >= length
        before = rows_back(mid, length)
        of_span = {
            "imbalance_mean": rolling_sum(imbalance, length) / length,
            "flow": _divide(rolling_sum(signed, length), rolling_sum(volume, length), 0.0),
            "trades": rolling_sum(columns["trade_count"], length),
            "return": np.where(run > length, (mid - before) / before, np.nan),
            "volatility": np.sqrt(rolling_sum(squares, length) / length),
        }
        for name in SPAN_NAMES:
            result[f"{name}_{span}"] = np.where(enough, of_span[name], np.nan)
    return result


def imbalance_at(bid_quantity: float | None, ask_quantity: float | None) -> float | None:
    """Return by how much of both the best bid's size is the larger, -1 to 1; None if not known."""
    if bid_quantity is None or ask_quantity is None:
        return None
    both = bid_quantity + ask_quantity
    return (bid_quantity - ask_quantity) / both if both > 0 else None


def imbalances(bid_quantity: Floats, ask_quantity: Floats) -> Floats:
    """Return `imbalance_at` of columns, NaN where it is not known."""
    return _divide(bid_quantity - ask_quantity, bid_quantity + ask_quantity, np.nan)


def names_of(spans: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features, in order."""
    return (*POINT_NAMES, *(f"{name}_{span}" for span in spans for name in SPAN_NAMES))


def _return(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else (now - before) / before


def _divide(above: Floats, below: Floats, otherwise: float) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, otherwise)


def length_of_run(open_time_ms: Times, close_time_ms: Times) -> NDArray[np.int64]:
    """Return for each row how many rows before it, itself included, follow without a hole."""
    rows = np.arange(len(open_time_ms))
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = open_time_ms[1:] != close_time_ms[:-1]
    return rows - np.maximum.accumulate(np.where(starts, rows, 0)) + 1
