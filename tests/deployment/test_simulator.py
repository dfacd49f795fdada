"""The simulated exchange as it runs in a container: reachable from outside, ended by SIGTERM."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from .manifests import pod_of


def test_the_command_of_the_manifest_serves_every_address_and_ends_when_told(
    tmp_path: Path,
) -> None:
    pod = pod_of("dev", "exchange-simulator")
    command = pod["containers"][0]["command"]
    assert command[:2] == ["realtime", "simulate"]
    own_port = ["--port=0" if part.startswith("--port=") else part for part in command[1:]]
    process = subprocess.Popen(
        [sys.executable, "-m", "realtime_training", *own_port, "--json"],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        announced = ""
        while not announced.rstrip().endswith("}"):
            announced += process.stdout.readline()
        said = json.loads(announced)
        assert said["rest_url"].startswith("http://0.0.0.0:")
        assert said["symbols"] == ["BTC/USDT", "ETH/USDT"]
        port = said["rest_url"].rpartition(":")[2]
        path = pod["containers"][0]["readinessProbe"]["httpGet"]["path"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
