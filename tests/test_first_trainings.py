"""What README says first, in a fresh folder and without --state: it trains, and trains again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from marketstream.testing import RunningCommand, free_port
from predictor.registry import native

MARKETS = ("simulator-BTC-USDT", "simulator-ETH-USDT")


def versions(folder: Path) -> dict[str, str]:
    """The versions of the models that serve, by the names they are registered under."""
    found = {}
    for path in sorted(folder.glob("state/models/*/champion.json")):
        model = native.load(json.loads(path.read_text())["model"].encode())
        found[path.parent.name] = model.version
    return found


@pytest.mark.slow
@pytest.mark.timeout(1_000)
def test_run_in_a_fresh_folder_registers_a_second_version_of_each_markets_model(
    tmp_path: Path,
) -> None:
    log, port = tmp_path / "log", free_port()
    command = [
        *(sys.executable, "-m", "realtime_training", "run", "--port", str(port)),
        *("--retrain-every", "15s", "--horizon", "2"),
    ]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stderr=stderr, text=True, cwd=tmp_path)
    live = RunningCommand(process, port, log)
    names = {f"{market}-1s-2000ms" for market in MARKETS}

    def all_trained_again() -> bool:
        serving = versions(tmp_path)
        return serving.keys() >= names and all(
            version.isdecimal() and int(version) >= 2 for version in serving.values()
        )

    try:
        live.wait_for("second versions", all_trained_again, 600)
        docs = tmp_path / "state" / "data-docs"
        live.wait_for("Data Docs", lambda: any(docs.glob("*/*/index.html")), 300)
        code, _ = live.stop()
    finally:
        if process.poll() is None:
            live.kill()
    said = log.read_text()
    assert code == 0, said
    assert "Traceback" not in said
    assert "Training failed" not in said
    assert "Not kept of a training" not in said
