"""What the command says when something cannot be done: one clear line and the right exit code."""

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from marketstream.state_folder import state_folder

TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"%s",'
    b'"q":"0.02","T":%d,"m":true,"M":true}}'
)
START_MS = 1_723_161_255_000


def realtime(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", *arguments],
        capture_output=True, text=True, timeout=120, check=False, cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip


def assert_refused(
    done: "subprocess.CompletedProcess[str]", code: int, parts: Sequence[str]
) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr


def trade(number: int, price: bytes = b"100.5") -> bytes:
    time_ms = START_MS + number * 100
    return TRADE % (time_ms, number, price, time_ms)


def recording(folder: Path, lines: list[bytes]) -> Path:
    path = folder / "recorded.frames.gz"
    with gzip.open(path, "wb") as file:
        file.writelines(line + b"\n" for line in lines)
    return path


def test_bad_frames_become_dead_letters_and_the_replay_goes_on(tmp_path: Path) -> None:
    frames = [trade(number) for number in range(50)]
    frames[10:10] = [
        b'{"stream":"btcusdt@trade","data":{"e":"trade"',
        trade(10, b"-1.5"),
        b"not a frame",
        b'{"stream":"btcusdt@depth@100ms","data":{}}',
        b'{"stream":"ethusdt@trade","data":{"e":"trade","s":"ETHUSDT"}}',
    ]
    path = recording(tmp_path, frames)
    done = realtime("replay", str(path), "--symbol", "BTC/USDT", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["trades"], summary["dead_letters"], summary["ignored"]) == (50, 3, 2)
    assert summary["candles"] == 4
    assert summary["horizons"]["1"]["accuracy"] is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = realtime("replay", "nowhere.gz", "--symbol", "BTC/USDT", cwd=tmp_path)
    assert_refused(done, 3, ["nowhere.gz", "no such file"])


def test_an_unreadable_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(b"this is no gzip file")
    done = realtime("replay", "broken.gz", "--symbol", "BTC/USDT", cwd=tmp_path)
    assert_refused(done, 3, ["broken.gz", "cannot be read as a recording"])
    done = realtime("run", "--recording", "broken.gz", "--port", "0", cwd=tmp_path)
    assert_refused(done, 3, ["broken.gz", "cannot be read as a recording"])


def test_a_cut_off_recording_is_named(tmp_path: Path) -> None:
    path = recording(tmp_path, [trade(number) for number in range(5_000)])
    path.write_bytes(path.read_bytes()[:-200])
    done = realtime("replay", path.name, "--symbol", "BTC/USDT", cwd=tmp_path)
    assert_refused(done, 3, [path.name])


def test_a_recording_without_the_symbol_says_what_it_holds(tmp_path: Path) -> None:
    path = recording(tmp_path, [trade(number) for number in range(50)])
    done = realtime("replay", path.name, "--symbol", "ETH/USDT", cwd=tmp_path)
    assert_refused(done, 3, ["no trades of ETH/USDT", path.name])
    done = realtime("run", "--recording", path.name, "--symbol", "ETH/USDT", "--port", "0",
                    cwd=tmp_path)  # fmt: skip
    assert_refused(done, 3, ["ETH", "BTCUSDT"])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["replay", "x", "--symbol", "BTCUSDT"], "write it like BTC/USDT"),
        (["replay", "x", "--symbol", "BTC/USDT", "--timeframe", "7s5"], "not a timeframe"),
        (["replay", "x", "--symbol", "BTC/USDT", "--timeframe", "100ms"], "candles"),
        (["replay", "x", "--symbol", "BTC/USDT", "--horizon", "0"], "horizon"),
        (["run", "--speed", "-1"], "above 0"),
        (["run", "--speed", "nan"], "above 0"),
        (["run", "--horizon", "99999999999999"], "horizon 99999999999999: "),
        (["replay", "x", "--symbol", "BTC/USDT", "--horizon", "2592001"], "from 1 to 2592000"),
        (["run", "--latency", "60001"], "0<=x<=60000"),
        (["run", "--levels", "11"], "0<=x<=10"),
        (["run", "--seed", "-1"], "--seed"),
        (["simulate", "--seed", str(2**63)], "--seed"),
        (["run", "--port", "65536"], "--port"),
        (["run", "--retrain-every", "0"], "above 0"),
        (["run", "--retrain-every", "9999999d"], "longer than a year"),
        (
            ["candles", "x", "--timeframe", "1s", "-o", "x.xlsx"],
            ".csv, .csv.gz, .parquet, .feather",
        ),
        (["features", "x", "-o", "x"], ".csv, .csv.gz, .parquet, .feather"),
        (["run", "--exchange", "mtgox"], "mtgox"),
        (["run", "--exchange", "binance", "--speed", "5"], "simulator's"),
        (["run", "--market", "BTC/USDT"], "write it like binance:BTC/USDT"),
        (["run", "--market", "mtgox:BTC/USD"], "'mtgox' is not an exchange we know"),
        (["run", "--group", "binance:BTC/USDT"], "--group"),
        (["simulate", "--recording", "x", "--ceiling"], "no ceiling"),
        (["history", "binance:BTC/USDT"], "--from"),
        (["history", "BTC/USDT", "--from", "2024-08-08"], "write it like binance:BTC/USDT"),
        (["history", "binance:BTC/USDT", "--from", "2024-08-08", "--archive", "x"], "leave out"),
        (["fly"], "fly"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, arguments: list[str], part: str
) -> None:
    assert_refused(realtime(*arguments, cwd=tmp_path), 2, [part])


def test_a_setting_that_makes_no_sense_is_named_with_where_it_came_from(tmp_path: Path) -> None:
    done = realtime("run", "--port", "0", cwd=tmp_path, MODEL_RETRAIN_INTERVAL="soon")
    assert_refused(done, 2, ["MODEL_RETRAIN_INTERVAL", "soon"])


def test_a_misspelt_key_in_the_env_file_is_said_with_the_one_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MODEL_RETRAN_INTERVAL=60\nEDITOR=vi\n")
    done = realtime("features", "missing.csv", cwd=tmp_path)
    assert_refused(done, 3, ['"key":"MODEL_RETRAN_INTERVAL"', '"meant":"MODEL_RETRAIN_INTERVAL"'])
    assert "EDITOR" not in done.stderr


def test_a_busy_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for command in (["run", "--port", port], ["simulate", "--port", port]):
            done = realtime(*command, cwd=tmp_path)
            assert_refused(done, 5, [f"port {port}", "already in use", "--port"])


def test_a_damaged_state_folder_is_said_with_the_remedy(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "realtime.sqlite").write_bytes(b"anything but a database" * 100)
    done = realtime("run", "--port", "0", "--state", "state", cwd=tmp_path)
    assert_refused(done, 4, ["realtime.sqlite", "--state"])
    (tmp_path / "file").write_text("")
    done = realtime("run", "--port", "0", "--state", "file", cwd=tmp_path)
    assert_refused(done, 4, ["file", "--state"])


def test_a_state_folder_that_another_run_uses_is_refused_with_its_pid(tmp_path: Path) -> None:
    with state_folder(tmp_path / "state"):
        done = realtime("run", "--port", "0", cwd=tmp_path)
        assert_refused(done, 4, [f"in use by process {os.getpid()}", "--state"])


def test_the_simulated_exchange_stands_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "realtime_training", "simulate", "--port", "0", "--json",
               "--symbol", "ETH/USDT"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
            assert said["symbols"] == ["ETH/USDT"]
            assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/ws", said["ws_url"])
            asked = f"{said['rest_url']}/api/v3/ticker/bookTicker?symbol=ETHUSDT"
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert float(json.loads(answer.read())["bidPrice"]) > 0
        finally:
            process.send_signal(2)
        assert process.wait(10) == 130


def test_the_ceiling_is_stated(tmp_path: Path) -> None:
    done = realtime("simulate", "--ceiling", "--symbol", "BTC/USDT", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["BTC/USDT"]
    at_two_seconds = next(r for r in rows if (r["horizon_ms"], r["latency_ms"]) == (2_000, 0))
    assert 0.60 <= at_two_seconds["accuracy"] <= 0.75


@pytest.mark.parametrize("command", ["replay", "run", "simulate"])
def test_help_teaches(tmp_path: Path, command: str) -> None:
    done = realtime(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "--symbol" in done.stdout
    assert f"Examples:\n    realtime {command} " in done.stdout


def test_another_package_adds_a_command_that_is_listed_and_runs(tmp_path: Path) -> None:
    packages, here = tmp_path / "packages", tmp_path / "here"
    installed = packages / "greeting-1.dist-info"
    installed.mkdir(parents=True)
    here.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[realtime.commands]\ngreet = greeting:greet\n")
    (packages / "greeting.py").write_text(
        "import click\n\n@click.command()\n@click.argument('who')\n"
        "def greet(who):\n    'Greet somebody.'\n    click.echo(f'hello {who}')\n"
    )
    done = realtime("greet", "you", cwd=here, PYTHONPATH=str(packages))
    assert (done.returncode, done.stdout) == (0, "hello you\n"), done.stderr
    listed = realtime("--help", cwd=here, PYTHONPATH=str(packages)).stdout
    assert re.search(r"^  greet +Greet somebody\.$", listed, re.MULTILINE)
    assert re.search(r"^  bench +Measure how fast it is", listed, re.MULTILINE)
    assert_refused(realtime("greet", "you", cwd=here), 2, ["greet"])
