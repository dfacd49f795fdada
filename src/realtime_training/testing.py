"""The command as people call it, for tests of its commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_WITHIN_S = 300


def realtime(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `realtime` with these arguments, in an interpreter of its own."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "realtime_training", *map(str, arguments)],
        capture_output=True, text=True, timeout=_WITHIN_S, check=False,
    )  # fmt: skip
