"""What a part is given on Kafka, without a broker."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.errors import TransientStateError
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.kafka.ports import KafkaPorts
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.store.port import Store
from marketstream.store.sql import open_store

THREADS = 4


def ports_of(folder: Path, opening: Opening) -> KafkaPorts:
    plan = Plan(("binance:BTC/USDT",), "1s", (1,))
    return KafkaPorts(KafkaSettings(), plan, Metrics(CollectorRegistry()), folder, opening)


class Opening:
    """Opens a store as one is opened that is out of reach: in the end it fails, while it is."""

    def __init__(self, folder: Path) -> None:
        self.away = True
        self.times = 0
        self.may_end = threading.Event()
        self._url = f"sqlite:///{folder}/realtime.sqlite"

    def __call__(self) -> Store:
        self.times += 1
        self.may_end.wait(20)
        if self.away:
            raise TransientStateError("nobody answers")
        return open_store(self._url)


def test_whoever_waits_for_the_store_shares_the_failure_of_who_opens_it(tmp_path: Path) -> None:
    opening = Opening(tmp_path)
    ports = ports_of(tmp_path, opening)
    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(ports.store) for _ in range(THREADS)]
        while opening.times == 0 or sum(each.running() for each in asking) < THREADS:
            time.sleep(0.01)
        time.sleep(0.2)  # all of them wait by now
        opening.may_end.set()
        for each in asking:
            with pytest.raises(TransientStateError, match="nobody answers"):
                each.result(20)
    assert opening.times == 1
    opening.away = False
    assert ports.store() is ports.store()
    assert opening.times == 2, "who asks later has it opened again"
    ports.close()
