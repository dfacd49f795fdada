"""The process that `bench symbols` measures: the trades part alone, with a ledger of its own."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from prometheus_client import CollectorRegistry

import trades.build
from exchanges.settings import HostSettings
from marketstream.logs import configure_logs
from marketstream.messages import Gap, Stall, Status, Trades
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.embedded import InProcessPorts
from marketstream.store.sql import open_store
from marketstream.topics import GAPS, STALLS, STATUS, TRADES
from realtime_training.clock import ReceiveClock
from trades.settings import TradesSettings

_MIB = 1 << 20
_PATIENCE_S = 180.0


class Wanted(msgspec.Struct, frozen=True):
    """Which markets to follow, where their exchange is, and for how long."""

    markets: tuple[str, ...]
    ws_url: str
    rest_url: str
    seconds: float


class Followed(msgspec.Struct, frozen=True):
    """What came of it; `lost` are ids that lie between two published ones and are in no gap."""

    trades: int
    trades_per_second: float
    silent_markets: int
    lost: int
    in_gaps: int
    doubled: int
    stalls: int
    connected_after_s: float
    cpu_share: float
    most_mib: float


class _Ledger:
    def __init__(self) -> None:
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.count: Counter[str] = Counter()
        self.gaps: dict[str, set[tuple[int, int]]] = {}
        self.stalls = 0
        self.connected: set[str] = set()

    def trades(self, message: Trades, _received_ns: int) -> None:
        for trade in message.trades:
            market = message.market
            self.first[market] = min(self.first.get(market, trade.id), trade.id - trade.count + 1)
            self.last[market] = max(self.last.get(market, 0), trade.id)
            self.count[market] += trade.count

    def gap(self, message: Gap, _received_ns: int) -> None:
        self.gaps.setdefault(message.market, set()).add((message.first_id, message.end_id))

    def declared(self, market: str) -> int:
        """Return how many ids between the first and the last trade gaps were told of."""
        first, last = self.first[market], self.last[market]
        known = first
        total = 0
        for first_id, end_id in sorted(self.gaps.get(market, ())):
            total += max(0, min(end_id, last) - max(first_id, known))
            known = max(known, end_id)
        return total

    def stall(self, message: Stall, _received_ns: int) -> None:
        self.stalls += message.until_us is None

    def status(self, message: Status, _received_ns: int) -> None:
        if getattr(message.said, "connected", False):
            self.connected.add(message.market)


async def follow(wanted: Wanted) -> Followed:
    """Follow the markets for so long after all of them have been heard."""
    ledger = _Ledger()
    host = HostSettings(venue="binance", ws_url=wanted.ws_url, rest_url=wanted.rest_url)
    settings = TradesSettings(hosts={"bench": host}, history_minutes=0)
    plan = Plan(wanted.markets, "1s", (1,))
    with (
        TemporaryDirectory() as folder,
        contextlib.closing(open_store(f"sqlite:///{folder}/realtime.sqlite")) as store,
    ):
        ports = InProcessPorts(
            Metrics(CollectorRegistry()), ReceiveClock(1.0), Path(folder), store,
            later=asyncio.get_running_loop().call_soon,
        )  # fmt: skip
        ports.listen([TRADES], ledger.trades)
        ports.listen([GAPS], ledger.gap)
        ports.listen([STALLS], ledger.stall)
        ports.listen([STATUS], ledger.status)
        part = trades.build.build(plan, settings, ports, resumed=dict)
        ports.add(part)
        if part.work is None:
            raise AssertionError("the trades part follows nobody")
        started_s = time.monotonic()
        working = asyncio.create_task(part.work())
        while len(ledger.connected) < len(wanted.markets) and not working.done():
            await asyncio.wait([working], timeout=0.1)
        connected_after_s = time.monotonic() - started_s
        while len(ledger.first) < len(wanted.markets) and not working.done():
            if time.monotonic() - started_s > _PATIENCE_S:
                break  # an exchange of so many markets takes a while to begin, and not for ever
            await asyncio.wait([working], timeout=0.1)
        before, before_s, began_s = ledger.count.total(), time.process_time(), time.monotonic()
        await asyncio.wait([working], timeout=wanted.seconds)
        passed_s = time.monotonic() - began_s
        share = (time.process_time() - before_s) / passed_s
        rate = (ledger.count.total() - before) / passed_s
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    missing = {
        market: ledger.last[market] - first + 1 - ledger.count[market]
        for market, first in ledger.first.items()
    }
    declared = {
        market: min(max(0, each), ledger.declared(market)) for market, each in missing.items()
    }
    return Followed(
        trades=ledger.count.total(),
        trades_per_second=round(rate, 1),
        silent_markets=len(wanted.markets) - len(missing),
        lost=sum(max(0, each) - declared[market] for market, each in missing.items()),
        in_gaps=sum(declared.values()),
        doubled=sum(max(0, -each) for each in missing.values()),
        stalls=ledger.stalls,
        connected_after_s=round(connected_after_s, 2),
        cpu_share=round(share, 3),
        most_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB, 1),
    )


if __name__ == "__main__":
    configure_logs(level="WARNING")
    found = asyncio.run(follow(msgspec.json.decode(sys.argv[1], type=Wanted)))
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
