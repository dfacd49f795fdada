"""`realtime record`: files that hold every frame, whole after a kill, with their sums."""

from __future__ import annotations

import gzip
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchanges.catalogue import venue_named
from exchanges.events import TradeEvent
from marketstream.messages import Trade
from marketstream.recordings import Header, header_of, read_frames

ONE, TWO = "one:BTC/USDT", "binance:ETH/USDT"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One simulated exchange under two names, as EXCHANGE_HOSTS has it."""
    command = [sys.executable, "-m", "realtime_training", "simulate", "--port", "0", "--json"]
    folder = tmp_path_factory.mktemp("exchange")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            where = f"{said['ws_url']} {said['rest_url']}"
            yield f"one:binance={where},binance={where}"
        finally:
            process.kill()


@contextmanager
def recording(folder: Path, hosts: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "realtime_training", "record", "--to", "tapes", "--json"]
    with subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env={"EXCHANGE_HOSTS": hosts, "PATH": ""},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.05)


def trades_in(paths: list[Path], symbol: str) -> list[Trade]:
    stream = venue_named("binance").stream([symbol], "binance")
    events = [stream.parse(frame.frame) for frame in read_frames(paths)]
    return [event.trade for event in events if isinstance(event, TradeEvent)]


def has_every_id(trades: list[Trade]) -> bool:
    return [trade.id for trade in trades] == list(range(trades[0].id, trades[-1].id + 1))


def test_two_exchanges_are_recorded_into_files_that_turn_over_and_have_their_sums(
    tmp_path: Path, hosts: str
) -> None:
    markets = ("--market", ONE, "--market", TWO)
    with recording(tmp_path, hosts, *markets, "--rotate", "2s", "--for", "8s") as process:
        said, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    tapes = tmp_path / "tapes"
    ones, twos = sorted(tapes.glob("one-*.frames.gz")), sorted(tapes.glob("binance-*.frames.gz"))
    assert len(ones) >= 3
    header = header_of(ones[0])
    assert isinstance(header, Header)
    assert (header.exchange, header.venue, header.symbols) == ("one", "binance", ("BTC/USDT",))
    rows = {row["exchange"]: row for row in json.loads(said)["connections"]}
    for name, paths, symbol in (("one", ones, "BTC/USDT"), ("binance", twos, "ETH/USDT")):
        trades = trades_in(paths, symbol)
        assert len(trades) == rows[name]["trades"] > 50
        assert rows[name]["missing"] == 0
        assert rows[name]["files"] == len(paths)
        assert has_every_id(trades)
    lines = (tapes / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in [*ones, *twos]
    }
    assert not list(tapes.glob("*.part"))


def test_what_was_recorded_until_a_kill_is_finished_by_the_next_start(
    tmp_path: Path, hosts: str
) -> None:
    tapes = tmp_path / "tapes"

    def written() -> int:
        return max((path.stat().st_size for path in tapes.glob("*.part")), default=0)

    with recording(tmp_path, hosts, "--market", ONE) as process:
        wait_for("frames", lambda: written() > 4_000)
        process.kill()
    (part,) = tapes.glob("*.part")
    with part.open("ab") as file:
        file.write(b"\0\0half a block")
    with recording(tmp_path, hosts, "--market", ONE) as process:
        wait_for("frames", lambda: not part.exists() and written() > 2_000)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert "A file that was cut off is finished" in log
    before, after = tapes / part.stem, tapes / f"{part.stem.removesuffix('.frames.gz')}-2.frames.gz"
    assert gzip.decompress(before.read_bytes()).endswith(b"}\n")
    assert has_every_id(trades_in([before], "BTC/USDT"))
    assert has_every_id(trades_in([after], "BTC/USDT"))
    assert len((tapes / "SHA256SUMS").read_text().splitlines()) == 2


def test_the_candles_of_a_recording_are_made_as_of_any_other(tmp_path: Path, hosts: str) -> None:
    with recording(tmp_path, hosts, "--market", ONE, "--for", "4s") as process:
        process.communicate(timeout=60)
    (path,) = (tmp_path / "tapes").glob("*.frames.gz")
    command = [sys.executable, "-m", "realtime_training", "candles", "--timeframe", "1s", "--json"]
    done = subprocess.run(
        [*command, str(path)], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert json.loads(done.stdout)["trades"] == len(trades_in([path], "BTC/USDT"))


def test_a_market_of_nobody_and_levels_that_cannot_be_had_are_refused(
    tmp_path: Path, hosts: str
) -> None:
    for arguments, part in (
        (["--market", "mtgox:BTC/USD"], "'mtgox' is not an exchange we know"),
        (["--market", ONE, "--levels", "9999"], "9999 levels"),
        ([], "--market"),
    ):
        with recording(tmp_path, hosts, *arguments) as process:
            _, log = process.communicate(timeout=30)
        assert process.returncode == 2
        assert part in log
        assert "Traceback" not in log
