"""`realtime run --faults`: the simulator that it starts does wrong what it is told to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from marketstream.testing import running_command


def test_the_simulator_of_a_run_takes_faults(tmp_path: Path) -> None:
    with running_command(tmp_path, "--symbol", "BTC/USDT", EXCHANGE_FAULTS="none") as live:
        address = r"ws://(127\.0\.0\.1:\d+)/ws"
        live.wait_for("a connection", lambda: "Connected" in live.log.read_text())
        [host, *_] = re.findall(address, live.log.read_text())
        with urllib.request.urlopen(f"http://{host}/simulator/faults") as answer:
            assert json.load(answer) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--faults", "zombi=2/30s"], "zombi"),
        (["--exchange", "binance", "--faults", "all"], "the simulator's"),
    ],
)
def test_faults_that_nobody_could_do_are_refused(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "realtime_training", "run", "--port", "0", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
