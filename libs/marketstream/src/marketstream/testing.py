"""Test helpers: a `realtime run` in a process of its own and what it answers; a Kafka broker."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marketstream.errors import StateError

_SERVER_PORTS = range(20_000, 32_000)  # Linux takes those of outgoing connections from 32,768 on


class RunningCommand:
    """A started command, its API and its log."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and body of an answer, decoded where it is JSON."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, _body(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _body(error.read())

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float = 90) -> None:
        """Wait until a condition holds; AssertionError with the log where it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"ended while waiting for {what}: {self.log.read_text()}")
            try:
                if condition():
                    return
            except OSError:
                pass  # not listening yet, or too busy to answer
            time.sleep(0.05)
        raise AssertionError(f"no {what} within {seconds} s: {self.log.read_text()}")

    def metric(self, name: str) -> float:
        """Return a metric by its name and labels, 0 where there is none."""
        _, text = self.get("/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", str(text), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def stop(self) -> tuple[int, float]:
        """Press Ctrl-C; return the exit code and how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        return code, time.monotonic() - started

    def kill(self) -> None:
        """End it without any warning."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running_command(
    folder: Path,
    *arguments: str,
    module: str = "realtime_training",
    command: str = "run",
    **environment: str,
) -> Iterator[RunningCommand]:
    """Start `realtime run` with its state and log in `folder`; it is killed where it still runs.

    `module` is what starts the command, where it is to be started in another way, and `command`
    another one that runs everything.
    """
    port = free_port()
    log = folder / "log"
    state = str(folder / "state")
    started = [sys.executable, "-m", module, command, "--port", str(port)]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*started, "--state", state, *arguments],
            stderr=stderr,
            text=True,
            cwd=folder,
            env={**os.environ, **environment},
        )
    running = RunningCommand(process, port, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.kill()


@contextmanager
def running_kafka(folder: Path, *properties: str) -> Iterator[str]:
    """Start a broker of its own on a free port; yield its address, `host:port`.

    `properties` are `key=value` for the broker. Its data is deleted afterwards.
    """
    script = str(Path(__file__).parents[4] / "scripts" / "kafka")
    port, controller_port = free_port(), free_port()
    where = ["--folder", str(folder), "--port", str(port)]
    asked = [part for line in properties for part in ("--set", line)]
    started = subprocess.run(
        [script, "start", *where, "--controller-port", str(controller_port), *asked],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if started.returncode != 0:
        raise StateError(started.stderr.strip())
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([script, "remove", *where], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port of loopback on which nobody listens, and nobody else can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def free_port() -> int:
    """Return a port that nothing listens on, and that no outgoing connection is given.

    A server that comes back to its port, as a broker after a kill does, would else find it taken
    by whoever dialled out meanwhile: a client that dials a closed port of loopback can even be
    given that very port, and connects to itself.
    """
    for port in random.sample(_SERVER_PORTS, len(_SERVER_PORTS)):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue  # somebody listens there
    raise StateError(f"no port of {_SERVER_PORTS[0]} to {_SERVER_PORTS[-1]} is free")


def _body(raw: bytes) -> Any:
    return json.loads(raw) if raw.startswith(b"{") else raw.decode()
