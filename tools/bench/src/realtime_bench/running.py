"""The whole system in a process of its own, and what its API says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marketstream.errors import NetworkError
from marketstream.testing import free_port

_POLL_S = 0.05
_PATIENCE_S = 300.0
_GOODBYE_S = 20.0
_LAST_WORDS = 2_000


class Running:
    """A started process that serves the API on a port."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process = process
        self.port = port
        self._log = log

    @property
    def pid(self) -> int:
        """Which process it is."""
        return self._process.pid

    def resident_mib(self, *, with_children: bool = False) -> float:
        """Return how much of its memory is resident, in MiB, as /proc has it (proc(5)).

        `with_children` adds that of processes it started, such as the one that trains.
        """
        pids = [str(self.pid)]
        if with_children:
            tasks = Path(f"/proc/{self.pid}/task").iterdir()
            pids += [pid for task in tasks for pid in _read(task / "children").split()]
        pages = sum(int((_read(Path(f"/proc/{pid}/statm")).split() or "00")[1]) for pid in pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def get(self, path: str, key: str | None = None) -> Any | None:
        """Return a page, read where it is JSON; None where there is no such page yet."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                raw: bytes = answer.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        return json.loads(raw) if raw.startswith(b"{") else raw.decode()

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        """Poll until something is so; raises NetworkError where it does not come."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while not condition():
            if self._process.poll() is not None:
                raise NetworkError(f"no {what}: the system ended: {self._last_words()}")
            if time.monotonic() > deadline_s:
                raise NetworkError(
                    f"no {what} within {_PATIENCE_S:g} s: the machine is too busy, or "
                    f"the system said why: {self._last_words()}"
                )
            time.sleep(_POLL_S)

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-_LAST_WORDS:]


def _read(path: Path) -> str:
    """Return what a file of /proc says; nothing of a thread or process that is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def running(module: str, arguments: Callable[[Path, int], Sequence[str]]) -> Iterator[Running]:
    """Run a module of ours as a process; `arguments` are made of its folder and its port."""
    with TemporaryDirectory(prefix="realtime-bench-") as name:
        folder = Path(name)
        port, log = free_port(), folder / "log"
        command = [sys.executable, "-m", module, *arguments(folder, port)]
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603
                command, stdout=subprocess.DEVNULL, stderr=stderr, cwd=folder
            )
        try:
            yield Running(process, port, log)
        finally:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process as an orchestrator does, and as a crash does where it stays."""
    process.terminate()
    try:
        process.wait(_GOODBYE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
