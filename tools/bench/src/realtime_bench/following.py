"""The process that `bench symbols` measures: the trades part alone, with a ledger of its own."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from prometheus_client import CollectorRegistry

import trades.build
from exchanges.settings import HostSettings
from marketstream.logs import configure_logs
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.embedded import InProcessPorts
from marketstream.store.sql import open_store
from marketstream.topics import GAPS, STALLS, STATUS, TRADES
from realtime_bench.ids import Ledger
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


async def follow(wanted: Wanted) -> Followed:
    """Follow the markets for so long after all of them have been heard."""
    ledger = Ledger()
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
        while ledger.heard < len(wanted.markets) and not working.done():
            if time.monotonic() - started_s > _PATIENCE_S:
                break  # an exchange of so many markets takes a while to begin, and not for ever
            await asyncio.wait([working], timeout=0.1)
        before, before_s, began_s = ledger.trades_so_far, time.process_time(), time.monotonic()
        await asyncio.wait([working], timeout=wanted.seconds)
        passed_s = time.monotonic() - began_s
        share = (time.process_time() - before_s) / passed_s
        rate = (ledger.trades_so_far - before) / passed_s
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    tally = ledger.tally(wanted.markets)
    return Followed(
        trades=tally.trades,
        trades_per_second=round(rate, 1),
        silent_markets=tally.silent_markets,
        lost=tally.lost,
        in_gaps=tally.in_gaps,
        doubled=tally.doubled,
        stalls=tally.stalls,
        connected_after_s=round(connected_after_s, 2),
        cpu_share=round(share, 3),
        most_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB, 1),
    )


if __name__ == "__main__":
    configure_logs(level="WARNING")
    found = asyncio.run(follow(msgspec.json.decode(sys.argv[1], type=Wanted)))
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
