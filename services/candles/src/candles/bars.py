"""Bars that close by activity instead of time: tick, volume and dollar bars.

Marcos López de Prado, Advances in Financial Machine Learning (2018), chapter 2.3.1: a bar is
sampled each time a number of ticks, of units traded, or of money exchanged is reached.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Literal, NamedTuple, cast, get_args

import numpy as np

from candles.columnar import certify, fold_rows
from marketstream.columns import CandleColumns, Integers, Units
from marketstream.errors import SettingsError
from marketstream.readers.losses import overlapping
from marketstream.readers.table import TradeTable, in_order

type BarKind = Literal["tick", "volume", "dollar"]
_KINDS = get_args(BarKind.__value__)


class BarRule(NamedTuple):
    """When a bar closes: fills, base units or quote units that have to be reached."""

    kind: BarKind
    threshold: Decimal

    def __str__(self) -> str:
        return f"{self.kind}:{self.threshold:f}"


def parse_bars(text: str) -> BarRule:
    """Return the rule written as `tick:1000`, `volume:10` or `dollar:1000000`."""
    kind, _, number = text.partition(":")
    try:
        threshold = Decimal(number)
    except InvalidOperation:
        threshold = Decimal(0)
    whole = kind != "tick" or threshold == threshold.to_integral_value()
    if kind not in _KINDS or not (threshold.is_finite() and threshold > 0 and whole):
        raise SettingsError(f"{text!r} are no bars: write tick:1000, volume:10 or dollar:1000000")
    return BarRule(cast("BarKind", kind), threshold)


def fold_bars(trades: TradeTable, rule: BarRule, *, consecutive_ids: bool) -> CandleColumns:
    """Return the bars of all trades.

    The trade that reaches the threshold closes the bar and belongs to it whole; what it brings
    beyond the threshold is not carried over, so every bar but the last reaches it. The last is not
    complete; with `consecutive_ids` neither are those that a missing id lies in or between, without
    them those beside which a row that could not be used may have been traded. A bar is open from
    the ms of its first trade to the end of that of its last.
    """
    trades = in_order(trades)
    starts = _starts(*_reached(trades, rule))
    complete, _ = certify(trades, starts, consecutive_ids=consecutive_ids)
    complete[-1:] = False
    if not trades.consecutive:
        before = np.searchsorted(trades.time_us, trades.lost_us[:, 0], side="right") - 1
        after = np.searchsorted(trades.time_us, trades.lost_us[:, 1])
        spans = np.stack((np.minimum(before, after), np.maximum(before, after)), axis=1)
        ends = np.append(starts[1:], len(trades))[: len(starts)]
        complete &= ~overlapping(starts, ends, spans)
    times_ms = trades.time_us // 1_000
    ends = np.append(starts[1:], len(trades))[: len(starts)]
    interval_ms = times_ms[starts], times_ms[ends - 1] + 1
    return fold_rows(trades, str(rule), starts, interval_ms, complete)


def _reached(trades: TradeTable, rule: BarRule) -> tuple[Units, int]:
    """Return the running total of what the rule counts, and its threshold in the same units."""
    amounts: Units = trades.count
    decimals = 0
    if rule.kind != "tick":
        amounts, decimals = trades.quantity, trades.quantity_decimals
    largest = int(np.max(amounts, initial=0)) * len(trades)
    if rule.kind == "dollar":
        decimals += trades.price_decimals
        largest *= int(np.max(trades.price, initial=0))
        price: Units = trades.price if largest < 2**63 else trades.price.astype(object)
        amounts = price * amounts
    elif largest >= 2**63:
        amounts = amounts.astype(object)
    threshold = rule.threshold.scaleb(decimals).to_integral_value(rounding=ROUND_CEILING)
    return np.cumsum(amounts), int(threshold)


def _starts(totals: Units, threshold: int) -> Integers:
    starts = []
    start, total = 0, 0
    while start < len(totals):
        starts.append(start)
        if int(totals[-1]) - total < threshold:
            break
        start = int(np.searchsorted(totals, total + threshold)) + 1
        total = int(totals[start - 1])
    return np.array(starts, np.int64)
