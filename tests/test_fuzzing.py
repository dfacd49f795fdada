"""Two seconds of each fuzz target: that it runs, and that nothing is found at once."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from exchanges.catalogue import venues

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "fuzz.py"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is built for Linux on x86-64 alone"
)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_nothing_is_found_at_once(tmp_path: Path) -> None:
    done = run("--seconds", "2", "--jobs", "2", "--kept", tmp_path)
    assert done.returncode == 0, done.stdout
    found = re.findall(
        r"^(\w+): ([\d,]+) inputs in \d+ s, nothing found$", done.stdout, re.MULTILINE
    )
    documented = (ROOT / "docs" / "fuzzing.md").read_text()
    kinds = {re.sub(r"^\w+_(stream|rest)$", r"VENUE_\1", name) for name, _ in found}
    assert [kind for kind in kinds if f"`{kind}`" not in documented] == []
    assert len(found) == len(done.stdout.splitlines()) == 4 + 2 * (len(venues()) + 1)
    assert all(int(count.replace(",", "")) > 10 for _, count in found)


def test_unknown_target_is_named_beside_those_there_are() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "'nonsense'" in done.stderr
    assert "binance_stream, binance_rest" in done.stderr
