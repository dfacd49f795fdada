"""`realtime integrity`: what the store proves is told, and the exit code says if all is."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from marketstream.messages import Candle, Gap, Stall
from marketstream.store.rows import Stored
from marketstream.store.sql import open_store

MARKET = "binance:BTC/USDT"
START_MS = 1_723_161_600_000
LOST = Gap(
    MARKET, 110, 112, (START_MS + 1_000) * 1_000, (START_MS + 1_200) * 1_000, "lost", "not given"
)


def candle(second: int, *, complete: bool | None = True) -> Candle:
    opened_ms = START_MS + second * 1_000
    return Candle(
        MARKET, "1s", opened_ms, opened_ms + 1_000, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 10, 1.0, 1.0,
        complete=complete, first_trade_id=100 + 10 * second, last_trade_id=109 + 10 * second,
        expected_count=10,
    )  # fmt: skip


def store(state: Path, rows: Sequence[Stored]) -> None:
    with contextlib.closing(open_store(f"sqlite:///{state}/realtime.sqlite")) as opened:
        opened.write(rows)


def ask(state: Path, *arguments: str, columns: int = 200) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "integrity", "--state", str(state), *arguments],
        capture_output=True, text=True, timeout=120, check=False, env={"COLUMNS": str(columns)},
    )  # fmt: skip


def test_what_is_lost_is_declared_and_ends_with_0(tmp_path: Path) -> None:
    stall = Stall(MARKET, START_MS * 1_000, "trades", (START_MS + 900) * 1_000, "zombie")
    store(tmp_path, [candle(0), candle(1, complete=False), LOST, stall])
    done = ask(tmp_path)
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert (
        f"{MARKET}: sound, whatever is missing is declared; proven until 2024-08-09T00:00:02.000Z"
        in shown
    )
    assert "Gaps: 0 open, 0 repaired, 1 lost" in shown
    assert "110 to 111" in shown
    assert "not given" in shown
    assert "Stalls: 1 zombie" in shown


def test_eighty_columns_have_room_for_every_head_and_id(tmp_path: Path) -> None:
    ids = replace(candle(0), first_trade_id=15_633_089_507, last_trade_id=15_633_089_516)
    store(tmp_path, [ids, LOST])
    shown = ask(tmp_path, columns=80).stdout
    for whole in ("incomplete", "contradicted", "15633089507  15633089516", "110 to 111"):
        assert whole in shown
    assert max(map(len, shown.splitlines()[1:])) <= 80


def test_an_open_gap_ends_with_1_and_one_object(tmp_path: Path) -> None:
    store(tmp_path, [candle(0), Gap(MARKET, 110, 111, (START_MS + 999) * 1_000, None)])
    done = ask(tmp_path, "--market", MARKET, "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["sound"] is False
    (market,) = told["markets"]
    assert (market["market"], market["gap_counts"]["open"]) == (MARKET, 1)


def test_the_range_chooses_what_is_told(tmp_path: Path) -> None:
    store(tmp_path, [candle(second) for second in range(10)])
    done = ask(tmp_path, "--from", "2024-08-09T00:00:02Z", "--to", "2024-08-09T00:00:05Z", "--json")
    (market,) = json.loads(done.stdout)["markets"]
    assert market["candles"][0]["complete"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--market", "binance:ETH/USDT"], 3, f"no candles of binance:ETH/USDT: it has {MARKET}"),
        (["--from", "yesterday"], 2, "'yesterday' is no time"),
        (["--from", "1h", "--to", "2h"], 2, "it has to begin before it ends"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    tmp_path: Path, arguments: list[str], code: int, part: str
) -> None:
    store(tmp_path, [candle(0)])
    done = ask(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_store_it_says_where_it_looked(tmp_path: Path) -> None:
    done = ask(tmp_path)
    assert done.returncode == 3
    assert f"{tmp_path}/realtime.sqlite: no such file" in done.stderr
