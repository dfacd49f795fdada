"""`realtime models`: which models served, and how good each was, out of either database."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketstream.messages import Candle, Model, Outcome
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer, postgres_server

MARKET = "binance:BTC/USDT"
START_MS = 1_723_161_600_000
VERSION = str(START_MS)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def fill(url: str) -> None:
    candle = Candle(
        MARKET, "1s", START_MS, START_MS + 1_000, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0
    )
    losses: dict[str, float | None] = {"logistic_five": 0.67, "lightgbm": 0.66}
    models = [
        Model(
            MARKET,
            "1s",
            horizon_ms,
            "lightgbm",
            VERSION,
            START_MS,
            300,
            losses,
            START_MS,
            "trained anew",
        )
        for horizon_ms in (1_000, 5_000)
    ]
    outcomes = [
        Outcome(
            MARKET, "1s", START_MS + second * 1_000, 1_000, "champion", VERSION, 1.0, 0.0, 0.0,
            "right" if second % 3 else "wrong", "right", inside=True, baselines={},
        )
        for second in range(4_000)
    ]  # fmt: skip
    with contextlib.closing(open_store(url)) as store:
        store.write([candle, *models, *outcomes])


def ask(
    state: Path, *arguments: str, settings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "models", *arguments, "--state", str(state)],
        capture_output=True, text=True, timeout=120, check=False,
        env={"COLUMNS": "80", **(settings or {})}, cwd=state,
    )  # fmt: skip


WEEK = ("--from", "2024-08-09", "--to", "2024-08-16")


def test_versions_are_listed_with_when_they_served_and_how_good_they_were(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/realtime.sqlite")
    done = ask(tmp_path, "list", *WEEK)
    assert done.returncode == 0, done.stderr
    served, unserved = (line.split() for line in done.stdout.splitlines() if VERSION in line)
    assert served[:4] == ["1", "s", VERSION, "lightgbm"]
    assert "08-09 00:00 1h 6m 4,000 66.6 % 65.2-68.1" in " ".join(served)
    assert unserved[:2] == ["5", "s"]


def test_one_is_shown_with_the_losses_of_its_candidates(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/realtime.sqlite")
    done = ask(tmp_path, "show", VERSION, *WEEK)
    assert done.returncode == 0, done.stderr
    assert "1 s ahead" in done.stdout
    assert "5 s ahead" in done.stdout
    assert done.stdout.index("0.6600 lightgbm") < done.stdout.index("0.6700 logistic_five")
    assert "nothing in the range" in done.stdout


def test_of_postgresql_it_says_what_it_says_of_sqlite(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    database = postgres.new_database()
    fill(f"sqlite:///{tmp_path}/realtime.sqlite")
    fill(postgres.url(database))
    settings = {
        "POSTGRES_HOST": str(postgres.socket_folder),
        "POSTGRES_DB": database,
        "POSTGRES_USER": "postgres",
    }
    lite = ask(tmp_path, "list", *WEEK, "--json")
    assert json.loads(lite.stdout)["models"][0]["moved"] == 4_000
    assert ask(tmp_path, "list", *WEEK, "--json", settings=settings).stdout == lite.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("show", "7", *WEEK), 3, f"no model of version 7 in the range: there are {VERSION}"),
        (("list", "--market", "binance:ETH/USDT"), 3, f"it has {MARKET}"),
        (("list", "--from", "soon"), 2, "'soon' is no time"),
    ],
)
def test_what_there_is_not_is_said_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, part: str
) -> None:
    fill(f"sqlite:///{tmp_path}/realtime.sqlite")
    done = ask(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_the_history_tells_who_became_champion_when_and_why(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/realtime.sqlite"
    fill(url)
    again = Model(MARKET, "1s", 1_000, "lightgbm", VERSION, START_MS, 300, {},
                  START_MS + 3_600_000, "rolled back")  # fmt: skip
    with contextlib.closing(open_store(url)) as store:
        store.write([again, again])
    done = ask(tmp_path, "history", *WEEK, "--json")
    terms = [one for one in json.loads(done.stdout)["history"] if one["horizon_ms"] == 1_000]
    assert [(one["since_ms"] - START_MS, one["why"]) for one in terms] == [
        (0, "trained anew"), (3_600_000, "rolled back"),
    ]  # fmt: skip
    shown = ask(tmp_path, "history", *WEEK).stdout
    assert shown.index("2024-08-09T00:00:00") < shown.index("2024-08-09T01:00:00")
    assert "rolled back" in shown
    assert "2024-08-09T01:00:00: rolled back" in ask(tmp_path, "show", VERSION, *WEEK).stdout


def test_where_nothing_was_trained_it_says_so(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/realtime.sqlite")
    done = ask(tmp_path, "list", "--from", "2024-08-01", "--to", "2024-08-02")
    assert done.returncode == 0
    assert "no model was trained or served in the range" in done.stdout
