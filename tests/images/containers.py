"""Containers as `scripts/images` runs them, and what to ask of them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from manifest import ROOT

SCRIPT = str(ROOT / "scripts" / "images")


class Containers:
    """Containers of one test: started by name, ended together."""

    def __init__(self, prefix: str, tag: str) -> None:
        self._prefix = prefix
        self._tag = tag
        self._names: list[str] = []

    def start(
        self,
        name: str,
        image: str,
        *command: str,
        environment: Mapping[str, str],
        options: Sequence[str] = (),
    ) -> None:
        """Run an image in the background, with nothing but the rights our services need."""
        variables = [part for pair in environment.items() for part in ("--env", "=".join(pair))]
        self._names.append(name)
        images(
            *("run", "--detach", "--name", self._prefix + name, *variables, *options),
            f"{image}:{self._tag}",
            *command,
        )

    def is_healthy(self, name: str) -> bool:
        """Ask the image's own health check."""
        return _run("check", self._prefix + name).returncode == 0

    def log(self, name: str) -> str:
        """Return what a container said so far."""
        said = _run("engine", "logs", self._prefix + name)
        return said.stdout + said.stderr

    def execute(self, name: str, *command: str) -> str:
        """Run a command in a container."""
        return images("engine", "exec", self._prefix + name, *command)

    def state(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of a container."""
        (found,) = json.loads(images("engine", "inspect", self._prefix + name))
        return dict(found)

    def stop(self, name: str) -> int:
        """Stop a container as an orchestrator does; return its exit code."""
        images("engine", "stop", "-t", "20", self._prefix + name)
        return int(self.state(name)["State"]["ExitCode"])

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float = 180) -> None:
        """Wait until a condition holds; AssertionError with the logs where it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except OSError:
                pass  # not listening yet
            for name in self._names:
                assert self.state(name)["State"]["Running"], f"{name} ended: {self.log(name)}"
            time.sleep(0.5)
        logs = "\n".join(f"{name}: {self.log(name)[-3_000:]}" for name in self._names)
        raise AssertionError(f"no {what} within {seconds} s\n{logs}")

    def remove(self) -> None:
        """End whatever still runs, volumes included."""
        for name in self._names:
            images("engine", "rm", "--force", "--volumes", self._prefix + name)


def image_of(image: str) -> dict[str, Any]:
    """Return what the engine knows of an image."""
    (found,) = json.loads(images("engine", "image", "inspect", image))
    return dict(found)


def images(*arguments: str) -> str:
    """Run `scripts/images`, and return what it said on stdout."""
    done = _run(*arguments)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
    return done.stdout


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)
