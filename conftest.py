"""Where tests find real data, and what a skipped group of tests means.

`REALTIME_DATA` names a folder of recorded market data. Where it is unset the group `data` is left
out and said to be in one line; `REALTIME_REQUIRE=data` turns that into a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GROUPS = ("data",)


def _missing(group: str) -> str | None:
    folder = os.environ.get("REALTIME_DATA")
    if folder is None:
        return f"group {group} not run: set REALTIME_DATA to a folder of recorded market data"
    if not Path(folder).is_dir():
        return f"group {group} not run: REALTIME_DATA={folder} is no folder"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for group in GROUPS:
        reason = _missing(group)
        if reason is None:
            continue
        left_out = [item for item in items if item.get_closest_marker(group)]
        if not left_out:
            continue
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
        config.stash.setdefault(_NOT_RUN, []).append(f"{reason} ({len(left_out)} tests)")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(_NOT_RUN, []):
        terminalreporter.write_line(line, yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a required group did not run, or any of its tests was skipped."""
    required = os.environ.get("REALTIME_REQUIRE", "").split(",")
    if any(group in required and _missing(group) for group in GROUPS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_NOT_RUN = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded market data."""
    return Path(os.environ["REALTIME_DATA"]).resolve()
