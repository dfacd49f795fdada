"""Where tests find real data, and what a group of tests that is not run means.

`REALTIME_DATA` names a folder of recorded market data; where it is unset the group `data` is left
out and said to be in one line. So is the group `browser` where there is no Chromium, and the group
`kafka` where there is neither a Docker engine nor Java with Maven, and the group `prometheus`
where there is no Prometheus, and the group `clients` where clients of others are not
installed. `REALTIME_REQUIRE=data,browser`
makes that, and any skipped test, a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from loguru import logger
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from exchanges.limits import limit_of

GROUPS = ("data", "browser", "kafka", "prometheus", "clients")

# What the tests of clients import.
CLIENTS = ("binance", "binance_sdk_spot", "ccxt", "cryptofeed", "kraken", "okx", "pybit")

# They start a whole system and look at the clock: one at a time, beside tests of one process.
SYSTEMS = (
    "tests/dashboard", "tests/faults", "tests/kafka", "tests/kill", "tests/repair", "tests/soak",
    "tests/test_demo_command.py", "tests/test_first_minute.py", "tests/test_interrupts.py",
    "tests/test_live.py", "tests/test_recall.py", "tests/test_several_exchanges.py",
    "tests/test_startup.py", "tests/test_swap_live.py", "tests/test_wait_for_prediction.py",
    "libs/marketstream/tests/runners",
)  # fmt: skip

# How long one example takes depends on the machine; pytest-timeout ends what hangs.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _no_limits_of_servers_before() -> None:
    """Forget what earlier servers said of limits: a port may be given to another one."""
    limit_of.cache_clear()


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Give the lines that are logged meanwhile, with what goes with their messages."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), format="{message} {extra}", level=0)
    yield lines
    logger.remove(sink)


def _missing(group: str) -> str | None:
    if group == "browser":
        if shutil.which("chromium") is None:
            return "group browser not run: install Debian's chromium"
        return None
    if group == "kafka":
        if _docker_runs() or (shutil.which("java") and shutil.which("mvn")):
            return None
        return "group kafka not run: install Java 17 and Maven, or start Docker"
    if group == "prometheus":
        if shutil.which("prometheus") is None or shutil.which("promtool") is None:
            return "group prometheus not run: install Debian's prometheus"
        return None
    if group == "clients":
        if any(find_spec(name) is None for name in CLIENTS):
            return "group clients not run: make test-clients installs what it needs"
        return None
    folder = os.environ.get("REALTIME_DATA")
    if folder is None:
        return f"group {group} not run: set REALTIME_DATA to a folder of recorded market data"
    if not Path(folder).is_dir():
        return f"group {group} not run: REALTIME_DATA={folder} is no folder"
    return None


@cache
def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0


# Its files import what is not there.
collect_ignore_glob = [] if _missing("clients") is None else ["tests/clients/test_*.py"]


def _required() -> list[str]:
    return [group for group in os.environ.get("REALTIME_REQUIRE", "").split(",") if group]


class OneSystemAtATime(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of whole systems go to one worker, those of any other file together to either."""

    def _split_scope(self, nodeid: str) -> str:
        return "systems" if nodeid.startswith(SYSTEMS) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneSystemAtATime:
    return OneSystemAtATime(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for group in GROUPS:
        left_out = [item for item in items if item.get_closest_marker(group)]
        if left_out and _missing(group) is not None:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for group in GROUPS:
        reason = _missing(group)
        if reason is not None:
            terminalreporter.write_line(reason, yellow=True)
    if _required() and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("tests were skipped where none may be", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter is not None and reporter.stats.get("skipped")
    missing = any(group in GROUPS and _missing(group) for group in _required())
    if _required() and (skipped or missing):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded market data."""
    return Path(os.environ["REALTIME_DATA"]).resolve()
