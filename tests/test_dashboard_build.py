"""A run in a checkout without the dashboard's bundle has it built, and never waits or fails."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from loguru import logger

from realtime_training.commands.run.dashboard import building_dashboard


class Said(list[str]):
    """What is logged; `found` waits for a line."""

    def __init__(self) -> None:
        super().__init__()
        self.news = Event()

    def write(self, line: str) -> None:
        self.append(line)
        self.news.set()

    def found(self, part: str) -> bool:
        while not any(part in line for line in self):
            if not self.news.wait(30):
                return False
            self.news.clear()
        return True


@pytest.fixture
def said() -> Iterator[Said]:
    lines = Said()
    number = logger.add(lines.write, format="{level} {message} {extra}")
    yield lines
    logger.remove(number)


def script_of(folder: Path, text: str) -> Path:
    script = folder / "build_dashboard"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return script


def test_a_missing_bundle_is_built_beside_the_run(tmp_path: Path, said: Said) -> None:
    script = script_of(tmp_path, f"echo page > {tmp_path}/index.html")
    with building_dashboard(script, tmp_path):
        assert said.found("INFO The dashboard is built")
        assert (tmp_path / "index.html").read_text() == "page\n"


def test_a_build_that_fails_is_one_line_with_the_reason(tmp_path: Path, said: Said) -> None:
    script = script_of(tmp_path, "echo 'build_dashboard: no registry' >&2; exit 1")
    with building_dashboard(script, tmp_path):
        assert said.found("WARNING No dashboard for now")
    assert "build_dashboard: no registry" in said[-1]


def test_a_build_ends_with_the_run(tmp_path: Path, said: Said) -> None:
    with building_dashboard(script_of(tmp_path, "sleep 600"), tmp_path):
        pass
    assert not any("WARNING" in line for line in said)


def test_nothing_is_built_where_the_bundle_is_there_or_another_run_builds_it(
    tmp_path: Path, said: Said
) -> None:
    script = script_of(tmp_path, f"touch {tmp_path}/built")
    with script.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with building_dashboard(script, tmp_path):
            assert said.found("being built by another run")
    (tmp_path / "index.html").write_text("page")
    with building_dashboard(script, tmp_path), building_dashboard(tmp_path / "none", tmp_path):
        pass
    assert not (tmp_path / "built").exists()
