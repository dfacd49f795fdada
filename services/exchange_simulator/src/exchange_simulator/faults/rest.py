"""Faults of REST: refusals, answers that hang or end early, and pages of trades made wrong.

Klines are always of the true trades: they are what a client's candles are compared with.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
from aiohttp import web

from exchange_simulator.faults.frames import skew_ms
from exchange_simulator.faults.plan import Fault, Faults, draws
from exchange_simulator.market.columns import chosen
from exchange_simulator.market.history import latest_trades
from exchange_simulator.market.tape import Integers, TradeColumns
from exchange_simulator.serving.markets import Market

_REFUSALS = ("rest_429", "rest_418", "rest_500")
_PAGES = (
    "rest_empty", "rest_holes", "rest_duplicates", "rest_reversed", "rest_shuffled",
    "rest_wrong_symbol", "rest_units",
)  # fmt: skip


class RestFaults:
    """What the faults make of REST requests."""

    def __init__(self, faults: Faults, markets: Mapping[str, Market]) -> None:
        self._faults = faults
        self._markets = markets

    async def refused(self) -> web.Response | None:
        """Return the answer to a request that is refused; one that hangs gets its own late."""
        fault = _striking(self._faults, "rest_hang")
        if fault is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(fault.over.wait(), self._faults.left_s(fault))
            return _error(503, {})
        return refusal(self._faults, _REFUSALS)

    def spoilt(self, body: bytes) -> bytes:
        """Return a body as it is, or its first half."""
        return body if _striking(self._faults, "rest_truncated") is None else body[: len(body) // 2]

    def skew_us(self) -> int:
        """Return how far the exchange's clock is off."""
        fault = self._faults.active("clock_skew")
        return 0 if fault is None else skew_ms(fault) * 1_000

    def page(
        self, market: Market, trades: TradeColumns, end_us: int
    ) -> tuple[Market, TradeColumns]:
        """Return the trades of a page as they are, or made wrong, and whose they are said to be."""
        for kind in _PAGES:
            fault = _striking(self._faults, kind, market.wire_symbol)
            if fault is not None:
                draw = draws(self._faults.seed, kind, fault.number, fault.struck)
                if kind == "rest_wrong_symbol":
                    return self._of_another(market, trades, end_us, draw)
                return market, _wrong(kind, trades, draw)
        return market, trades

    def _of_another(
        self, market: Market, trades: TradeColumns, end_us: int, draw: random.Random
    ) -> tuple[Market, TradeColumns]:
        others = [other for other in self._markets.values() if other is not market]
        if not others:  # a market that is not there, at a fiftieth of the price
            return market, trades._replace(price=np.maximum(1, trades.price // 50))
        other = draw.choice(others)
        theirs = latest_trades(other.tape, len(trades.id), end_us, other.since_us)
        if draw.random() < 0.5:
            return other, theirs
        rows = min(len(trades.id), len(theirs.id))
        mixed = chosen(trades, slice(rows))
        theirs_decimals, decimals = other.tape.price_decimals, market.tape.price_decimals
        price = _in_units(theirs.price[:rows], theirs_decimals, decimals)
        return market, mixed._replace(price=price)


def refusal(faults: Faults, kinds: Sequence[str]) -> web.Response | None:
    """Return the answer of the first of these faults that strikes: its status ends its name."""
    for kind in kinds:
        fault = _striking(faults, kind)
        if fault is not None:
            status = int(kind[-3:])
            wait_s = math.ceil(faults.left_s(fault)) or 1
            return _error(status, {"Retry-After": str(wait_s)} if status in (418, 429) else {})
    return None


def _striking(faults: Faults, kind: str, market: str | None = None) -> Fault | None:
    """Return a fault that strikes this request: with a share, by the seed and the count."""
    fault = faults.active(kind, market)
    if fault is None:
        return None
    strikes = draws(faults.seed, kind, fault.struck).random() < fault.share
    faults.struck(fault)
    return fault if strikes else None


def _error(status: int, headers: Mapping[str, str]) -> web.Response:
    code = -1003 if status in (418, 429) else -1000
    body = json.dumps({"code": code, "msg": f"A simulated fault: {status}."})
    return web.Response(status=status, text=body, headers=headers, content_type="application/json")


def _wrong(kind: str, trades: TradeColumns, draw: random.Random) -> TradeColumns:
    count = len(trades.id)
    if kind == "rest_units":
        return _in_another_unit(trades, draw)
    rows = list(range(count))
    if kind == "rest_empty":
        rows = []
    elif kind == "rest_holes":
        gone = set(draw.sample(rows, max(1, count // 3))) if count > 1 else set(rows)
        rows = [row for row in rows if row not in gone]
    elif kind == "rest_duplicates":
        rows = [row for row in rows for _ in range(draw.choice((1, 2)))]
    elif kind == "rest_reversed":
        rows.reverse()
    else:
        draw.shuffle(rows)
    return chosen(trades, np.array(rows, np.int64))


def _in_units(values: Integers, decimals: int, wanted: int) -> Integers:
    scaled: Integers = values * 10 ** max(0, wanted - decimals) // 10 ** max(0, decimals - wanted)
    return np.maximum(1, scaled)


def _in_another_unit(trades: TradeColumns, draw: random.Random) -> TradeColumns:
    """Take the times, in the exchange's own unit, for ones in s, us or ns."""
    factor = draw.choice((1_000, 1_000_000, 0))
    times = trades.time_us.astype(np.object_)
    times = times * factor if factor else times // 1_000
    return trades._replace(time_us=times)
