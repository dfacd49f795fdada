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
from typing import Any

from aiohttp import web

from exchange_simulator.faults.frames import skew_ms
from exchange_simulator.faults.plan import Fault, Faults, draws
from exchange_simulator.market.history import latest_trades
from exchange_simulator.markets import Market

_REFUSALS = ("rest_429", "rest_418", "rest_500")
_PAGES = (
    "rest_empty", "rest_holes", "rest_duplicates", "rest_reversed", "rest_shuffled",
    "rest_wrong_symbol", "rest_units",
)  # fmt: skip

type _Row = dict[str, Any]


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

    def page(self, page: bytes, market: Market, end_us: int) -> bytes:
        """Return a page of trades as it is, or made wrong."""
        for kind in _PAGES:
            fault = _striking(self._faults, kind, market.wire_symbol)
            if fault is not None:
                rows = self._wrong(fault, json.loads(page), market, end_us)
                return json.dumps(rows, separators=(",", ":")).encode()
        return page

    def _wrong(self, fault: Fault, rows: list[_Row], market: Market, end_us: int) -> list[_Row]:
        kind = fault.kind.name
        draw = draws(self._faults.seed, kind, fault.number, fault.struck)
        if kind == "rest_empty":
            return []
        if kind == "rest_holes":
            return _without_a_third(rows, draw)
        if kind == "rest_duplicates":
            return [row for row in rows for _ in range(draw.choice((1, 2)))]
        if kind == "rest_reversed":
            return rows[::-1]
        if kind == "rest_shuffled":
            return draw.sample(rows, len(rows))
        if kind == "rest_units":
            return _in_another_unit(rows, draw)
        return self._of_another(rows, market, end_us, draw)

    def _of_another(
        self, rows: list[_Row], market: Market, end_us: int, draw: random.Random
    ) -> list[_Row]:
        others = [other for other in self._markets.values() if other is not market]
        if not others:  # a market that is not there, at a fiftieth of the price
            return [row | {"p": f"{float(row['p']) / 50:.8f}"} for row in rows]
        other = draw.choice(others)
        trades = latest_trades(other.tape, len(rows), end_us, other.since_us)
        theirs: list[_Row] = json.loads(other.frames.rest_trades(trades))
        if draw.random() < 0.5:
            return theirs
        return [
            row | {"p": their["p"], "q": their["q"]}
            for row, their in zip(rows, theirs, strict=False)
        ]


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


def _without_a_third(rows: list[_Row], draw: random.Random) -> list[_Row]:
    if len(rows) < 2:
        return []
    gone = set(draw.sample(range(len(rows)), max(1, len(rows) // 3)))
    return [row for at, row in enumerate(rows) if at not in gone]


def _in_another_unit(rows: list[_Row], draw: random.Random) -> list[_Row]:
    factor = draw.choice((1_000, 1_000_000, 0))
    return [row | {"T": row["T"] * factor if factor else row["T"] // 1_000} for row in rows]
