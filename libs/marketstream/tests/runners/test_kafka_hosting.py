"""Whatever drives a part, it hears the topics it listens to, in the event loop of its work."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import Gap, Learning, Status
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.ports import Part, Tap
from marketstream.runners.kafka.hosting import run_part
from marketstream.runners.kafka.ports import KafkaPorts
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.store.sql import open_store
from marketstream.topics import GAPS, STATUS

from .workers import Chain

MARKET = "binance:BTC/USDT"
NOW_US = 1_723_161_600_000_000
GAP = Gap(MARKET, 1, 2, NOW_US, NOW_US + 1_000, "lost", "of a test")
SAID = Status(MARKET, "predictor", Learning(1, 1, book=True, trainings={}))


class HeardError(Exception):
    """All has been heard: the work ends, and with it the part."""


KEEPING = Part("hosting-keeps", keeps=(Chain("kept").trades,), keep=lambda _messages: None)
WITH_A_STAGE = Part("hosting-stage", stages=(Chain("hosted").stages["tally"],))
ONLY_WORKING = Part("hosting-work")


@pytest.mark.kafka
@pytest.mark.parametrize("part", [KEEPING, WITH_A_STAGE, ONLY_WORKING], ids=lambda part: part.name)
def test_a_part_hears_what_others_publish(part: Part, kafka: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/realtime.sqlite"
    ports = KafkaPorts(
        KafkaSettings(broker=kafka), Plan((MARKET,), "1s", (1,)), Metrics(CollectorRegistry()),
        tmp_path, lambda _ending: open_store(url),
    )  # fmt: skip
    heard: set[tuple[str, str, int]] = set()

    def note(by: str) -> Tap:
        return lambda message, _ns: heard.add((by, type(message).__name__, threading.get_ident()))

    async def work() -> None:
        mine = threading.get_ident()
        while heard != {("one", "Gap", mine), ("one", "Status", mine), ("two", "Status", mine)}:
            for message in (GAP, SAID):
                ports.publish(message)
            await asyncio.sleep(0.2)
        raise HeardError

    ports.listen([GAPS, STATUS], note("one"))
    ports.listen([STATUS], note("two"))
    with contextlib.closing(ports), pytest.raises(HeardError):
        run_part(replace(part, work=work), ports, lambda: None)
