"""Very many markets of one exchange, followed by one trades process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from marketstream.errors import NetworkError
from realtime_bench.crowd import symbols
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.following import Followed, Wanted
from realtime_bench.running import end

_FEWEST_RUNS = 3
_GOODBYE_S = 20.0


@dataclass(frozen=True, slots=True)
class _Crowd:
    markets: int
    trades_per_second: float
    seconds: float


_WHOLE, _QUICK = _Crowd(1_000, 2.0, 60.0), _Crowd(50, 2.0, 3.0)


def bench_symbols(effort: Effort, say: Say) -> Measured:
    """Follow 1,000 markets of a simulated exchange by one trades process, and count what is lost.

    Raises NetworkError where the exchange or the process does not come up.
    """
    crowd = _QUICK if effort.quick else _WHOLE
    found: list[Followed] = []
    for number in range(1, (1 if effort.quick else min(effort.runs, _FEWEST_RUNS)) + 1):
        say(f"{crowd.markets} markets, run {number}")
        with _exchange(crowd) as (ws_url, rest_url):
            found.append(_follow(crowd, ws_url, rest_url))
    return Measured(
        {
            "lost": [one.lost for one in found],
            "doubled": [one.doubled for one in found],
            "in_gaps": [one.in_gaps for one in found],
            "silent_markets": [one.silent_markets for one in found],
            "trades_per_second": [one.trades_per_second for one in found],
            "cpu_share": [one.cpu_share for one in found],
            "most_mib": [one.most_mib for one in found],
            "connected_after_seconds": [one.connected_after_s for one in found],
        },
        {
            "markets": crowd.markets,
            "trades_per_second_each": crowd.trades_per_second,
            "seconds": crowd.seconds,
            "trades": [one.trades for one in found],
            "stalls": [one.stalls for one in found],
        },
    )


@contextmanager
def _exchange(crowd: _Crowd) -> Iterator[tuple[str, str]]:
    """Run an exchange of that many markets in a process; yield where its APIs are."""
    command = [
        sys.executable, "-m", "realtime_bench.crowd",
        str(crowd.markets), str(crowd.trades_per_second),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            said = "" if process.stdout is None else process.stdout.readline()
            if not said:
                raise NetworkError("the simulated exchange ended before it listened")
            ws_url, rest_url = said.split()
            yield ws_url, rest_url
        finally:
            end(process)


def _follow(crowd: _Crowd, ws_url: str, rest_url: str) -> Followed:
    markets = tuple(f"bench:{symbol}" for symbol in symbols(crowd.markets))
    wanted = Wanted(markets, ws_url, rest_url, crowd.seconds)
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "realtime_bench.following", msgspec.json.encode(wanted).decode()],
        check=False,
        stdout=subprocess.PIPE,
    )
    if done.returncode:
        raise NetworkError(f"the trades process ended with {done.returncode}: it says above why")
    return msgspec.json.decode(done.stdout, type=Followed)
