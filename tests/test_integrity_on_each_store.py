"""How whole a market is, told by the API and by the command: of one content on each database."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from marketstream.fakes import FakePorts
from marketstream.messages import Audit, Candle, Gap, Stall
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.store.rows import Stored
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer, postgres_server
from prediction_api.routes.app import build_app
from prediction_api.settings import ApiSettings
from prediction_api.views.market_views import MarketViews

SPOT, PERPETUAL = "binance:BTC/USDT", "binance-usdm:BTC/USDT:USDT"
START_MS = 1_723_161_600_000
PATHS = {SPOT: "binance/BTC-USDT", PERPETUAL: "binance-usdm/BTC-USDT:USDT"}
RANGES = [
    (0, 20_000), (0, 7_000), (6_000, 9_000), (2_500, 3_500), (12_000, 20_000), (50_000, 51_000),
]  # fmt: skip


def us(ms: int) -> int:
    return (START_MS + ms) * 1_000


def candle(
    ms: int, first_id: int, complete: bool | None = True, timeframe: str = "1s", **more: Any
) -> Candle:
    length_ms, trades = (1_000, 10) if timeframe == "1s" else (250, 3)
    values = {
        "market": SPOT, "timeframe": timeframe, "open_time_ms": START_MS + ms,
        "close_time_ms": START_MS + ms + length_ms, "open": 1.0, "high": 1.0, "low": 1.0,
        "close": 1.0, "volume": 1.0, "quote_volume": 1.0, "trade_count": trades,
        "taker_buy_volume": 1.0, "taker_buy_quote_volume": 1.0, "first_trade_id": first_id,
        "last_trade_id": first_id + trades - 1, "expected_count": trades, "complete": complete,
        **more,
    }  # fmt: skip
    return Candle(**values)


def gap(first_id: int, end_id: int, ms: int, until_ms: int | None, *rest: Any) -> Gap:
    return Gap(SPOT, first_id, end_id, us(ms), None if until_ms is None else us(until_ms), *rest)


def audit(ms: int, compared: int, equal: int, timeframe: str) -> Audit:
    return Audit(
        SPOT, timeframe, START_MS + ms, START_MS + ms + 5_000, compared, equal, incomplete=1
    )


DOUBTED = {2_000: False, 3_000: False, 5_000: None, 9_000: False}
WRITINGS: list[list[Stored]] = [
    [candle(ms, 100 + ms // 100, DOUBTED.get(ms, True)) for ms in range(0, 8_000, 1_000)],
    [candle(ms, 100 + ms // 100, timeframe="250ms") for ms in range(0, 8_000, 250)],
    # In the ninth second the numbering begins again; its ids are those of other trades.
    [candle(8_000, 1, None), *(candle(ms, ms // 100 - 30) for ms in range(9_000, 15_000, 1_000))],
    [gap(180, 180, 8_300, 8_700, "lost", "the numbering begins again")],
    # A gap that is asked for in vain and comes in the end, and the same ids of the next numbering.
    [gap(110, 112, 1_900, None)],
    [gap(110, 112, 1_900, 2_100, "lost", "the exchange has none")],
    [gap(110, 112, 1_900, 2_100, "repaired"), gap(110, 112, 9_100, 9_300, "lost", "none", 1)],
    [gap(120, 125, 3_100, 3_200, "lost", "asked for too late"), gap(120, 125, 3_100, 3_300)],
    [gap(170, 171, 12_000, None, "open", None, 1)],
    [candle(2_000, 120, True, filled=True, revision=1), candle(7_000, 999, state="forming")],
    [candle(ms, ms, market=PERPETUAL) for ms in range(0, 3_000, 1_000)],
    [
        Stall(SPOT, us(200), "trades", us(900), "quiet"),
        Stall(SPOT, us(4_000), "quotes", us(4_500), "resumed"),
        Stall(SPOT, us(4_000), "connection", us(4_600), "zombie"),
        Stall(SPOT, us(6_000), "trades"),  # nobody was there any more to say how it ended
        Stall(SPOT, us(14_500), "quotes"),
    ],
    [Stall(SPOT, us(200), "trades")],  # is over
    [audit(0, 5, 4, "1s"), audit(5_000, 2, 2, "1s")],
    [audit(0, 20, 20, "250ms"), audit(0, 9, 9, "1s")],  # the second time of the same
]


class Kept(NamedTuple):
    """The same content in two databases, and where the command finds the second one."""

    folder: Path
    urls: tuple[str, str]
    postgres: dict[str, str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        found = _kept(folder, server)
        for url in found.urls:
            with contextlib.closing(open_store(url)) as store:
                for rows in WRITINGS:
                    store.write(rows)
        yield found


def _kept(folder: Path, server: PostgresServer) -> Kept:
    database = server.new_database()
    settings = {
        "POSTGRES_HOST": str(server.socket_folder),
        "POSTGRES_DB": database,
        "POSTGRES_USER": "postgres",
    }
    return Kept(folder, (f"sqlite:///{folder}/realtime.sqlite", server.url(database)), settings)


def told_by_the_api(url: str, folder: Path, market: str, window: dict[str, int]) -> Any:
    plan, metrics = Plan((SPOT, PERPETUAL), "1s", (1,)), Metrics(CollectorRegistry())
    with contextlib.closing(open_store(url)) as store:
        ports = FakePorts(folder, store)
        views = MarketViews(plan, metrics, now_ns=time.time_ns)
        app = build_app(
            plan, views, metrics, ports.store, ApiSettings(open_read=True), bundle=folder
        )
        answer = TestClient(app).get(f"/integrity/{PATHS[market]}", params=window)
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(kept: Kept, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "realtime_training", "integrity", "--state", ".", *arguments],
        capture_output=True, text=True, timeout=120, check=False, cwd=kept.folder,
        env={"COLUMNS": "200", **environment},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("market", PATHS)
@pytest.mark.parametrize("window", RANGES)
def test_the_api_answers_of_postgresql_what_it_answers_of_sqlite(
    kept: Kept, window: tuple[int, int], market: str
) -> None:
    asked = {"from": START_MS + window[0], "to": START_MS + window[1]}
    lite, postgres = (told_by_the_api(url, kept.folder, market, asked) for url in kept.urls)
    assert postgres == lite


def test_the_answer_has_gaps_of_every_state_stalls_of_every_end_and_both_numberings(
    kept: Kept,
) -> None:
    asked = {"from": START_MS, "to": START_MS + 20_000}
    told = told_by_the_api(kept.urls[1], kept.folder, SPOT, asked)
    assert not told["sound"]
    assert told["proven_until_ms"] == START_MS + 8_000  # that of the finest timeframe
    assert told["gap_counts"] == {"open": 1, "repaired": 1, "lost": 3}
    fields = ("epoch", "first_id", "ids", "state")
    assert [tuple(gap[field] for field in fields) for gap in told["gaps"]] == [
        (0, 110, 2, "repaired"), (0, 120, 5, "lost"), (0, 180, 0, "lost"), (1, 110, 2, "lost"),
        (1, 170, 1, "open"),
    ]  # fmt: skip
    ends = {"open": 1, "quiet": 1, "resumed": 1, "zombie": 1, "unknown": 1}
    assert told["stall_counts"] == ends
    assert {each["epoch"]: each["missing"] for each in told["epochs"]} == {0: 5, 1: 3}
    assert [(each["timeframe"], each["candles"]) for each in told["candles"]] == [
        ("250ms", 32), ("1s", 15),
    ]  # fmt: skip
    assert told["parity"] == [
        {"timeframe": "250ms", "compared": 20, "equal": 20, "different": 0},
        {"timeframe": "1s", "compared": 7, "equal": 6, "different": 1},
    ]


@pytest.mark.parametrize("form", [("--json",), ()], ids=["json", "tables"])
def test_the_command_says_of_postgresql_what_it_says_of_sqlite(
    kept: Kept, form: tuple[str, ...]
) -> None:
    lite, postgres = run(kept, {}, *form), run(kept, kept.postgres, *form)
    assert postgres == lite
    assert lite[0] == 1  # a gap is open
    if form:
        told = json.loads(lite[1])
        assert [each["market"] for each in told["markets"]] == [PERPETUAL, SPOT]


def test_the_command_says_of_a_range_what_the_api_answers(kept: Kept) -> None:
    since, until = START_MS + 1_000, START_MS + 16_000
    _, said = run(
        kept, kept.postgres, "--market", SPOT, "--from", str(since), "--to", str(until), "--json"
    )
    (found,) = json.loads(said)["markets"]
    told = told_by_the_api(kept.urls[1], kept.folder, SPOT, {"from": since, "to": until})
    assert found == told
