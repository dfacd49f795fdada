"""The exchange of a soak does wrong at a word, and its truth is what it traded."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from realtime_bench.soak.exchange import faulty_exchange
from realtime_bench.soak.skewed import skew

SYMBOL = "BTC/USDT"


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_ids_that_begin_again_do_so_in_the_truth_too(tmp_path: Path, venue: str) -> None:
    begin_us = time.time_ns() // 1_000
    with faulty_exchange(tmp_path, [SYMBOL], 1, 100.0, venue) as exchange:
        row = exchange.begin("ids_again", SYMBOL)
        end_us = time.time_ns() // 1_000 + 1_000_000
        ids = exchange.truth(SYMBOL, begin_us, end_us).id
        assert exchange.log()[row["number"]]["struck"] == 1
    seams = np.flatnonzero(np.diff(ids) != 1)
    assert len(seams) == 1
    assert ids[seams[0] + 1] == 1


def test_a_skewed_clock_is_off_in_every_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", time.time)
    monkeypatch.setattr(time, "time_ns", time.time_ns)
    true_s = time.time()
    skew(-300.0)
    assert time.time() - true_s == pytest.approx(-300, abs=5)
    assert time.time_ns() / 1e9 - true_s == pytest.approx(-300, abs=5)
