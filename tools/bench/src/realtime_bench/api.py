"""The API of a running system: how often it answers, and what very many clients do to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from marketstream.errors import NetworkError
from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.store.sql import open_store
from marketstream.symbols import url_symbol
from realtime_bench.api_clients import Crowd, Heard
from realtime_bench.figures import Effort, Measured, Say, percentile
from realtime_bench.load import SYMBOLS
from realtime_bench.running import Running, running
from realtime_bench.system import Wanted
from realtime_bench.timing import process_cpu_s
from realtime_bench.watching import add, watch
from realtime_training.commands.simulate.work import Announcement, MarketChoice, SimulatorProcess

_SYMBOLS = SYMBOLS[:2]
_TRADES_PER_SECOND = 500.0  # of each
_FIRST_TRAINING_S = 40
_NEVER_MS = 86_400_000
_CONNECTIONS = 16
_PATH = f"/predictions/{url_symbol(_SYMBOLS[0])}"
_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}
_WARMING_S = 2.0  # in which streams that were just opened are not measured


def missing() -> str | None:
    """Return what it takes to ask so often; None where it is there."""
    return None if shutil.which("wrk") else "no wrk: apt-get install wrk, or brew install wrk"


def bench_api(effort: Effort, say: Say) -> Measured:
    """Ask for the newest predictions as often as they come, then have very many clients come.

    Figures that begin with `keys_` are of a system that readers need a key for. NetworkError where
    there is no wrk, or the system does not come up.
    """
    if (reason := missing()) is not None:
        raise NetworkError(reason)
    seconds, count = (2.0, 50) if effort.quick else (10.0, 1_000)
    crowd = 200 if effort.quick else 10_000
    runs: dict[str, list[float]] = {}
    with _exchange() as exchange:
        with _system(exchange, count, say) as system:
            for number in range(1, _runs(effort) + 1):
                say(f"asked by {_CONNECTIONS} connections, and by one; run {number}")
                _asked(runs, "", system, seconds, None)
                say("watched with nobody else asking")
                _watched(runs, "p99_ms", system, seconds)
            say(f"{count} listeners")
            _listened(runs, system, count, 2 * seconds)
            say(f"{crowd} connections that never say what they want, and 10 MB heads and bodies")
            _crowded(runs, system, crowd, 2 * seconds)
        secret = new_secret()
        with _system(exchange, count, say, secret) as system:
            for number in range(1, _runs(effort) + 1):
                say(f"asked with a key, run {number}")
                _asked(runs, "keys_", system, seconds, secret)
    conditions = {
        "markets": len(_SYMBOLS),
        "trades_per_second_each": _TRADES_PER_SECOND,
        "connections": _CONNECTIONS,
        "listeners": count,
        "crowd": crowd,
        "seconds": seconds,
    }
    return Measured(runs, conditions)


@contextmanager
def _exchange() -> Iterator[Announcement]:
    choice = MarketChoice(_SYMBOLS, trades_per_second=_TRADES_PER_SECOND)
    simulator = SimulatorProcess(choice, speed=1.0)
    try:
        yield asyncio.run(simulator.announcement())
    finally:
        simulator.stop()


@contextmanager
def _system(
    exchange: Announcement, streams: int, say: Say, secret: str | None = None
) -> Iterator[Running]:
    """Run a system that predicts; with a secret readers need a key, and that is one."""

    def arguments(folder: Path, port: int) -> Sequence[str]:
        state = folder / "state"
        if secret is not None:
            state.mkdir()
            with contextlib.closing(open_store(f"sqlite:///{state / 'realtime.sqlite'}")) as store:
                store.add_key(ApiKey("bench", "read", digest_of(secret), 0))
        wanted = Wanted(
            exchange.ws_url, exchange.rest_url, _SYMBOLS, port, str(state), _FIRST_TRAINING_S,
            _NEVER_MS, most_streams=streams, open_read=secret is None,
        )  # fmt: skip
        return [msgspec.json.encode(wanted).decode()]

    with running("realtime_bench.system", arguments) as system:
        say("waiting for the first models")
        for symbol in _SYMBOLS:
            _wait_for_prediction(system, symbol, secret)
        yield system


def _wait_for_prediction(system: Running, symbol: str, secret: str | None) -> None:
    path = f"/predictions/{url_symbol(symbol)}"
    system.wait_for(f"prediction of {symbol}", lambda: system.get(path, secret) is not None)


def _asked(
    runs: dict[str, list[float]], prefix: str, system: Running, seconds: float, secret: str | None
) -> None:
    """Add how often it answers many connections, how late at p99, and one at p50."""
    cpu_s = process_cpu_s(system.pid)
    told = _wrk(system.port, _CONNECTIONS, seconds, secret)
    used_s = process_cpu_s(system.pid)
    rate = float(_found(r"Requests/sec:\s+([\d.]+)", told))
    runs.setdefault(f"{prefix}requests_per_second", []).append(rate)
    runs.setdefault(f"{prefix}request_p99_ms", []).append(_latency_ms(told, 99))
    if cpu_s is not None and used_s is not None:
        each_us = (used_s - cpu_s) / (rate * seconds) * 1e6
        runs.setdefault(f"{prefix}request_cpu_us", []).append(each_us)
    alone = _wrk(system.port, 1, seconds / 2, secret)
    runs.setdefault(f"{prefix}one_client_p50_ms", []).append(_latency_ms(alone, 50))


def _wrk(port: int, connections: int, seconds: float, secret: str | None) -> str:
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s", "--latency"]
    if secret is not None:
        command += ["-H", f"Authorization: Bearer {secret}"]
    url = f"http://127.0.0.1:{port}{_PATH}"
    done = subprocess.run([*command, url], check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode or "Non-2xx" in done.stdout:
        raise NetworkError(f"wrk could not ask {url}: {done.stderr or done.stdout}")
    return done.stdout


def _latency_ms(told: str, share: int) -> float:
    value, unit = re.findall(rf"^\s+{share}%\s+([\d.]+)(us|ms|s)", told, re.MULTILINE)[0]
    return float(value) * _MS[unit]


def _found(pattern: str, told: str) -> str:
    found = re.search(pattern, told)
    if found is None:
        raise NetworkError(f"wrk said what was not expected: {told}")
    return found[1]


def _watched(runs: dict[str, list[float]], name: str, system: Running, seconds: float) -> None:
    """Add the p99 of how long predictions took until they could be read."""
    runs.setdefault(name, [])
    add(runs, name, watch(system.get, _SYMBOLS, seconds).closed_us.values(), 0.99)


def _listened(runs: dict[str, list[float]], system: Running, count: int, seconds: float) -> None:
    with _clients(system, "listeners", count, seconds + _WARMING_S) as clients:
        before = system.resident_mib()
        _watched(runs, "listeners_p99_ms", system, seconds)
        grown = system.resident_mib() - before
        heard = _heard(clients)
    runs["listeners"] = [float(heard.connected)]
    runs["close_to_arrival_p50_ms"] = [percentile(heard.after_close_ms, 0.5)]
    runs["close_to_arrival_p99_ms"] = [percentile(heard.after_close_ms, 0.99)]
    runs["listeners_grown_mib"] = [grown]


def _crowded(runs: dict[str, list[float]], system: Running, count: int, seconds: float) -> None:
    with _clients(system, "harmful", count, seconds + _WARMING_S) as clients:
        before = system.resident_mib()
        _watched(runs, "crowd_p99_ms", system, seconds)
        runs["crowd_grown_mib"] = [system.resident_mib() - before]
        heard = _heard(clients)
    runs["crowd_connected"] = [float(heard.connected)]


@contextmanager
def _clients(
    system: Running, kind: str, count: int, seconds: float
) -> Iterator[subprocess.Popen[str]]:
    """Have clients come in a process of their own; yield it once all are there."""
    asked = {"port": system.port, "kind": kind, "count": count, "seconds": seconds}
    crowd = msgspec.convert({**asked, "path": f"{_PATH}/stream"}, Crowd)
    command = [sys.executable, "-m", "realtime_bench.api_clients", _json(crowd)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            if process.stdout is None or not process.stdout.readline():
                raise NetworkError("the clients ended before they were connected")
            yield process
        finally:
            process.terminate()


def _json(crowd: Crowd) -> str:
    return msgspec.json.encode(crowd).decode()


def _heard(clients: subprocess.Popen[str]) -> Heard:
    told = "" if clients.stdout is None else clients.stdout.readline()
    if not told:
        raise NetworkError("the clients ended before they said what they heard")
    return msgspec.json.decode(told, type=Heard)


def _runs(effort: Effort) -> int:
    return 1 if effort.quick else min(effort.runs, 3)
