"""The storekeeper as a part: what it keeps, what it leaves, and what it says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exchange_simulator import SeededMarket
from exchange_simulator.server import start
from marketstream.fakes import FakePorts
from marketstream.messages import (
    Audit,
    Candle,
    DeadLetter,
    Features,
    Gap,
    Mending,
    Message,
    Model,
    Parity,
    Prediction,
    Status,
)
from marketstream.plan import Plan
from marketstream.store.sql import SqlStore, open_store
from storekeeper.build import build
from storekeeper.settings import StorekeeperSettings

MARKET = "binance:BTC/USDT"
PLAN = Plan((MARKET,), "1s", (1,))

CANDLE = Candle(
    MARKET, "1s", 0, 1_000, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0, 2, 1.0, 1.0, first_trade_id=7
)  # fmt: skip
FEATURES = Features(MARKET, "1s", 1_000, {"rsi_14": 50.0}, 1.0, 3.0, 2.0, "a1b2")
PREDICTION = Prediction(
    MARKET, "1s", 1_000, 1_000, "champion", "lightgbm", "7", 0, 2.0, 2.0, 0.0, 2.0, 0.5, 0.2, 0.3,
    1.0, 3.0, 0.8, "up", None, {}, feature_set="a1b2", made_at_ms=1_002, latency_us=900,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


def test_what_the_topics_bring_is_kept_but_for_how_things_stand_between_closes(
    store: SqlStore, tmp_path: Path
) -> None:
    ports = FakePorts(tmp_path, store)
    part = build(PLAN, StorekeeperSettings(), ports)
    assert part.keep is not None
    part.keep(
        [
            CANDLE,
            replace(CANDLE, open_time_ms=1_000, state="forming"),
            FEATURES,
            replace(FEATURES, close_time_ms=2_000, forming=True),
            replace(FEATURES, timeframe="250ms", values={}),
            PREDICTION,
            replace(PREDICTION, close_time_ms=2_000, preview=True),
            Model(MARKET, "1s", 1_000, "lightgbm", "7", 5, 300, {}),
            Gap(MARKET, 3, 5, 1, 2),
            Audit(MARKET, "1s", 0, 2_000, 2, 2, 0),
            DeadLetter("binance", b"{", "no JSON", 1),
        ]
    )
    assert store.counts() == {
        "candles": 1, "features": 1, "predictions": 1, "outcomes": 0, "move_forecasts": 0,
        "move_outcomes": 0, "models": 1, "gaps": 1, "stalls": 0, "audits": 1, "seals": 0,
        "outcome_seals": 0, "score_sums": 0,
        "dead_letters": 1,
    }  # fmt: skip
    assert store.predictions(MARKET, "1s", 0, 2_000) == [PREDICTION]
    assert 'realtime_store_rows_total{table="features"} 1.0' in ports.metrics.render().decode()


def test_a_batch_of_nothing_worth_keeping_does_not_need_the_store(tmp_path: Path) -> None:
    part = build(PLAN, StorekeeperSettings(), FakePorts(tmp_path))
    assert part.keep is not None
    part.keep([replace(CANDLE, state="forming")])


def test_it_says_how_our_candles_compare_and_what_is_mended(
    store: SqlStore, tmp_path: Path
) -> None:
    async def said() -> list[Status]:
        exchange = await start([SeededMarket("BTC/USDT", 1)], port=0)
        heard = asyncio.Event()

        class Heard(FakePorts):
            def publish(self, message: Message, received_ns: int = 0) -> None:
                super().publish(message, received_ns)
                heard.set()

        ports = Heard(tmp_path, store)
        settings = StorekeeperSettings(rest_url=exchange.rest_url, audit_every_s=0.05)
        part = build(PLAN, settings, ports)
        assert part.work is not None
        work = asyncio.ensure_future(part.work())
        try:
            await asyncio.wait_for(heard.wait(), 20)
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            await exchange.close()
        return [message for message, _ in ports.published[:2] if isinstance(message, Status)]

    parity, mending = asyncio.run(said())
    assert parity == Status(MARKET, "storekeeper", Parity(0, 0, 0, []))
    assert mending == Status(MARKET, "mending", Mending(queued=0, mended=0, marked=0))
