"""What README says, done as a newcomer does it: in a fresh folder, and without an option."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketstream.testing import RunningCommand, free_port

SYMBOLS = ("BTC-USDT", "ETH-USDT")
MARKETS = ("simulator:BTC/USDT", "simulator:ETH/USDT")
_RETRAIN_S = "20"
_PATIENCE_S = 240.0  # a machine that is busy trains slowly


def predicted(live: RunningCommand) -> bool:
    return all(live.get(f"/predictions/{symbol}")[0] == 200 for symbol in SYMBOLS)


def retrained(live: RunningCommand) -> bool:
    _, health = live.get("/health")
    models = [
        health["markets"][f"simulator:{symbol.replace(chr(45), chr(47))}"]["models"].values()
        for symbol in SYMBOLS
    ]
    return all(model["version"] != "1" for each in models for model in each)


@pytest.mark.timeout(600)
def test_realtime_run_in_a_fresh_folder_predicts_trains_again_and_ends_with_ctrl_c(
    tmp_path: Path,
) -> None:
    def found() -> Iterator[Path]:
        return (tmp_path / "state" / "data-docs").glob("*/*/index.html")

    port = free_port()
    log = tmp_path / "log"
    said = {"API_PORT": str(port), "MODEL_RETRAIN_INTERVAL": _RETRAIN_S}
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [Path(sys.executable).with_name("realtime"), "run"],
            stderr=stderr, text=True, cwd=tmp_path, env={**os.environ, **said},
        ) as process,
    ):  # fmt: skip
        live = RunningCommand(process, port, log)
        try:
            live.wait_for("predictions", lambda: predicted(live), _PATIENCE_S)
            live.wait_for("a second version of each model", lambda: retrained(live), _PATIENCE_S)
            live.wait_for("what was found of a training set", lambda: any(found()), _PATIENCE_S)
            code, _ = live.stop()
        finally:
            if process.poll() is None:
                live.kill()
    assert code == 0
    lines = log.read_text().splitlines()
    assert lines
    for line in lines:
        assert set(json.loads(line)) >= {"time", "level", "message"}
    messages = {json.loads(line)["message"] for line in lines}
    assert not messages & {"Training failed", "Not kept of a training"}
    assert not [line for line in lines if '"level":"ERROR"' in line]
    assert (tmp_path / "state" / "realtime.sqlite").exists()
