"""`realtime audit-claim`: a claim and what is behind it, as a table and as one object."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from predictor.leakcheck import FAULTS
from realtime_training.testing import realtime

START_MS = 1_704_067_200_000


@pytest.fixture(scope="module")
def random_walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trades at the bid or the ask, 5 bp apart, of a price that nothing foretells."""
    random = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("walk") / "trades.csv"
    size = 12_000
    times_ms = START_MS + np.sort(random.integers(0, 2_400_000, size))
    mid = 100 * np.exp(np.cumsum(random.normal(0, 4e-5, size)))
    buys = random.random(size) < 0.5
    prices = mid * np.where(buys, 1.00025, 0.99975)
    lines = [
        f"{time_ms},{price:.4f},1,{'buy' if is_buy else 'sell'}\n"
        for time_ms, price, is_buy in zip(times_ms, prices, buys, strict=True)
    ]
    path.write_text("time,price,quantity,side\n" + "".join(lines))
    return path


def test_a_claim_of_a_random_walk_is_taken_apart(random_walk: Path) -> None:
    done = realtime(
        "audit-claim", random_walk, "--horizon", "5", "--model", "logistic", "--folds", "2",
        "--json", "--state", random_walk.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["honest_label"] == "fair"
    assert said["latency_ms"] == 0
    honest, claim = said["honest"], said["claim"]
    assert honest["claimed"]["low"] <= 0.5 <= honest["claimed"]["high"]
    assert claim["claimed"]["accuracy"] > 0.65
    assert set(claim["faults"]) == set(said["comes_from"]) == set(FAULTS)
    assert sum(said["comes_from"].values()) == pytest.approx(
        claim["claimed"]["accuracy"] - honest["claimed"]["accuracy"]
    )
    assert max(said["comes_from"], key=said["comes_from"].get) in {"last price", "smoothed labels"}
    assert len(said["recipes"]) == 16


def test_without_json_there_is_a_table_and_a_sentence(random_walk: Path) -> None:
    done = realtime(
        "audit-claim", random_walk, "--horizon", "1", "--timeframe", "250ms", "--model", "logistic",
        "--fault", "last", "--fault", "smoothed", "--folds", "2", "--latency", "250",
        "--state", random_walk.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "smoothed labels: changes nothing here; the horizon is one close" in done.stdout
    assert "Honestly scored it is not shown to be better than a coin" in done.stdout
    assert "250 ms after the close" in " ".join(done.stdout.split())
    assert "shuffled" not in done.stdout


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    lines = [
        f"{START_MS + 500 * n},{100 + n % 7},1,{'sell' if n % 2 else 'buy'}\n" for n in range(80)
    ]
    path.write_text("time,price,quantity,side\n" + "".join(lines))
    done = realtime("audit-claim", path, "--state", tmp_path)
    assert done.returncode == 3
    assert "give" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_tape_whose_price_hardly_moves_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    lines = [
        f"{START_MS + 250 * n},{100 + (n > 5_000) * (n // 40 % 7)},1,{'sell' if n % 2 else 'buy'}\n"
        for n in range(8_000)
    ]
    path.write_text("time,price,quantity,side\n" + "".join(lines))
    done = realtime("audit-claim", path, "--model", "lightgbm", "--state", tmp_path)
    assert done.returncode == 3
    assert "too few moves to tell" in done.stderr
    assert "Traceback" not in done.stderr
