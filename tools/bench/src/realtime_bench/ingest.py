"""Frames off a real socket to messages, on one core, for each venue."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from aiohttp.test_utils import make_mocked_request

from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.serving.cut import Cut
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.markets import markets_of
from exchange_simulator.venues import server_of, simulated
from exchanges.catalogue import venue_named
from exchanges.sources import Source
from marketstream.messages import DeadLetter, Gap, Stall, Trades
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.sender import wire_bytes
from realtime_bench.timing import one_core, timed
from trades.feed import Feed
from trades.session.market import MarketSession
from trades.session.rules import Rules

_START_US = 1_704_067_800_000_000  # ten minutes into 2024
_PER_SECOND, _SECONDS = 500, 40.0  # trades of a market
_QUICK = 20  # times less
_CUT_US = 20_000
_BASES = ("BTC", "ETH", "SOL", "XRP", "ADA")
_POLL_S = 0.02
_SPEED = 1_000.0  # the market runs faster than life, so what takes real time takes as much more


@dataclass(frozen=True, slots=True)
class Said:
    """What a venue says of some markets: frames, and when (ns) each was received."""

    symbols: tuple[str, ...]
    frames: tuple[bytes, ...]
    received_ns: tuple[int, ...]
    trades: int


def bench_ingest(effort: Effort, say: Say) -> Measured:
    """Measure frames per second from a loopback socket to messages, and of decoding alone."""
    seconds = _SECONDS / (_QUICK if effort.quick else 1)
    runs: dict[str, list[float]] = {}
    conditions: dict[str, object] = {
        "markets": len(_BASES),
        "trades_per_second_of_a_market": _PER_SECOND,
    }
    for venue in simulated():
        say(f"making what {venue} says")
        said = made_up(venue, seconds)
        name = venue.replace("-", "_")
        conditions[f"{name}_frames"] = len(said.frames)
        conditions[f"{name}_trades"] = said.trades
        with _sending(said) as url, one_core() as core:
            conditions["core"] = core
            for number in range(1, effort.runs + 1):
                say(f"{venue}: run {number} of {effort.runs}")
                rate, of_cpu = asyncio.run(_taken_in(venue, said, url))
                runs.setdefault(f"{name}_frames_per_second", []).append(rate)
                runs.setdefault(f"{name}_frames_per_cpu_second", []).append(of_cpu)
                runs.setdefault(f"{name}_decode_only_per_second", []).append(_decoded(venue, said))
    return Measured(runs, conditions)


def made_up(venue: str, seconds: float) -> Said:
    """Return what a venue says of seeded markets: trades and best prices."""
    settled = ":USDT" if venue_named(venue).name.endswith(("-usdm", "-linear", "-swap")) else ""
    symbols = tuple(f"{base}/USDT{settled}" for base in _BASES)
    server_class = server_of(venue)
    tapes = [SeededMarket(symbol, 1, trades_per_second=_PER_SECOND) for symbol in symbols]
    markets = markets_of(tapes, _START_US, server_class.wire_symbol)
    end_us = _START_US + round(seconds * 1e6)
    server = server_class(Exchange(markets, lambda: end_us))
    session = server.session(make_mocked_request("GET", server.ws_path))
    for request in venue_named(venue).stream(symbols, venue).subscribe_frames():
        session.handle(request.decode())
    view = session.view()
    frames: list[bytes] = []
    received_ns: list[int] = []
    for from_us in range(_START_US, end_us, _CUT_US):
        some = Cut(server, {}, from_us, from_us + _CUT_US).frames(view)
        frames += some
        received_ns += [(from_us + _CUT_US) * 1_000] * len(some)
    trades = sum(len(market.tape.trades(_START_US, end_us).id) for market in markets.values())
    return Said(symbols, tuple(frames), tuple(received_ns), trades)


@contextmanager
def _sending(said: Said) -> Iterator[str]:
    """Have a process of its own say it to who asks; yield its URL."""
    with TemporaryDirectory(prefix="realtime-bench-") as folder:
        path = Path(folder) / "said"
        path.write_bytes(wire_bytes(said.frames))
        command = [sys.executable, "-m", "realtime_bench.sender", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                port = "" if process.stdout is None else process.stdout.readline().strip()
                yield f"ws://127.0.0.1:{port}/ws"
            finally:
                process.terminate()


async def _taken_in(venue: str, said: Said, url: str) -> tuple[float, float]:
    """Return frames per second from the first message to the last, by the clock and of CPU time.

    The CPU time is all that this process has used, what its socket costs the system included: how
    fast a core of its own would be.
    """
    source = _source(venue, said)
    stream, speaks = source.stream(), source.venue
    # It goes on with each frame that comes in, to when that was received.
    clock = chain(said.received_ns, repeat(said.received_ns[-1])).__next__
    first = last = (0.0, 0.0)

    def publish(message: Trades | Gap | Stall, received_us: int) -> None:
        nonlocal first, last
        del message, received_us
        last = perf_counter(), process_time()
        if not first[0]:
            first = last

    def refuse(letter: DeadLetter) -> None:
        raise AssertionError(f"{letter.reason}: {letter.raw!r:.300}")

    rules = Rules(
        speed=_SPEED, ids=speaks.ids, past=speaks.past, past_trades=speaks.past_trades,
        silence=speaks.silence,
    )  # fmt: skip
    sessions = {market: MarketSession(market, publish, rules) for market in stream.markets}
    feed = Feed(stream, sessions, ws_url=url, publish_dead_letter=refuse, clock=clock)
    following = asyncio.create_task(feed.run())
    while feed.counts.trades < said.trades and not following.done():
        await asyncio.wait([following], timeout=_POLL_S)
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    by_clock, of_cpu = (end - begin for begin, end in zip(first, last, strict=True))
    return len(said.frames) / by_clock, len(said.frames) / of_cpu


def _decoded(venue: str, said: Said) -> float:
    """Return frames per second of the venue's parser alone."""
    parse = _source(venue, said).stream().parse

    def decode(frames: Sequence[bytes]) -> None:
        for frame in frames:
            parse(frame)

    seconds, _ = timed(lambda: decode(said.frames))
    return len(said.frames) / seconds


def _source(venue: str, said: Said) -> Source:
    """Return the source of these markets, with contracts worth a hundredth of a coin."""
    worth = dict.fromkeys(said.symbols, Fraction(1, 100))
    return Source(venue, venue_named(venue), "", "", said.symbols, worth)
