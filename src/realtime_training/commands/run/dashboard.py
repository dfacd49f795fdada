"""The dashboard's bundle: built beside a run where a checkout has none yet."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loguru import logger

_ROOT = Path(__file__).resolve().parents[4]
SCRIPT = _ROOT / "scripts" / "build_dashboard"
BUNDLE = _ROOT / "services" / "prediction-api" / "src" / "prediction_api" / "static"


@contextmanager
def building_dashboard(script: Path = SCRIPT, bundle: Path = BUNDLE) -> Iterator[None]:
    """Have the dashboard built in the background where it is missing; what comes of it is logged.

    An installed package has no script, and brings its bundle. Of several runs at once one builds.
    """
    if (bundle / "index.html").exists() or not script.exists():
        yield
        return
    with script.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("The dashboard is being built by another run")
            yield
            return
        build = _Build(script)
        try:
            yield
        finally:
            build.stop()


class _Build:
    """The script in a process group of its own, out of the way of the market's data."""

    def __init__(self, script: Path) -> None:
        logger.info("The dashboard is not built yet: / has it in a minute", script=script.name)
        self._process = subprocess.Popen(  # noqa: S603 - a script of this checkout
            ["nice", str(script)],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._stopped = False
        self._waiting = threading.Thread(target=self._wait, name="dashboard", daemon=True)
        self._waiting.start()

    def stop(self) -> None:
        """End the build where it still runs."""
        self._stopped = True
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        self._waiting.join()

    def _wait(self) -> None:
        _, said = self._process.communicate()
        if self._process.returncode == 0:
            logger.info("The dashboard is built", path="/")
        elif not self._stopped:
            logger.warning(
                "No dashboard for now: everything else works without",
                reason=" ".join(said.split()),
                remedy="make dashboard",
            )
