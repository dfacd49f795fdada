"""Candles of several markets are learnt from together, and nothing looks across a split in time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marketstream.errors import InputError
from predictor.training.dataset import labelled
from predictor.validation.splits import walk_forward
from realtime_training.datasets import Recorded, load_files
from realtime_training.datasets.pooling import LEAST, files_by_market, pooled, pooled_rows
from realtime_training.settings import load_all

SETTINGS = load_all()
START_MS = 1_704_067_200_000
MINUTE_MS = 60_000
COUNT = 2_400


def candles(folder: Path, market: str, *, size: float, seed: int, begin: int = 0) -> Path:
    """Write the candles of a random walk whose steps are of a size."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, size, COUNT)))
    path = folder / f"{market}-1m.csv"
    rows = [
        f"{START_MS + (begin + n) * MINUTE_MS},{price},{price * 1.001},{price * 0.999},{price},"
        f"{1 + n % 7}\n"
        for n, price in enumerate(close)
    ]
    path.write_text("open_time,open,high,low,close,volume\n" + "".join(rows))
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    calm = candles(tmp_path, "BTCUSDT", size=0.0005, seed=1)
    return [calm, candles(tmp_path, "ETHUSDT", size=0.005, seed=2, begin=600)]


def loaded(files: list[Path], state: Path) -> list[Recorded]:
    return [
        load_files(some, SETTINGS, state, symbol=market)
        for market, some in files_by_market(files).items()
    ]


def test_each_market_is_told_in_deviations_of_its_own_past(
    files: list[Path], tmp_path: Path
) -> None:
    parts = loaded(files, tmp_path)
    at = parts[0].table.names.index("roc_1")
    raw = [np.nanstd(part.table.values[:, at]) for part in parts]
    assert raw[1] > 5 * raw[0]
    both = pooled(parts)
    told = [part.table.values[:, at] for part in both.parts]
    for values in told:
        assert np.isnan(values[:LEAST]).all()
        assert np.nanstd(values) == pytest.approx(1, abs=0.1)
    column = parts[0].table.values[:, at]
    row = 1_500
    before = column[:row][np.isfinite(column[:row])]
    assert told[0][row] == pytest.approx((column[row] - before.mean()) / before.std(), rel=1e-6)


def test_another_future_changes_nothing_of_what_was_told(files: list[Path], tmp_path: Path) -> None:
    parts = loaded(files, tmp_path)
    row = 1_500
    changed = parts[0].table.values.copy()
    changed[row:] *= 3
    other = [replace(parts[0], table=replace(parts[0].table, values=changed)), parts[1]]
    one, two = (pooled(each).parts[0].table.values[:row] for each in (parts, other))
    np.testing.assert_array_equal(one, two)


def test_a_split_is_at_one_time_for_all_markets(files: list[Path], tmp_path: Path) -> None:
    both = pooled(loaded(files, tmp_path))
    each = [
        labelled(part.table, part.prices, horizon_ms=5 * MINUTE_MS, label="close")
        for part in both.parts
    ]
    rows = pooled_rows(each)
    assert len(rows) == sum(map(len, each))
    assert (np.diff(rows.times_ms) > 0).all()
    assert rows.step_ms == MINUTE_MS
    for fold in walk_forward(rows, 3, embargo=10):
        learnt, judged = rows.take(fold.train), rows.take(fold.test)
        assert learnt.ends_ms.max() + 10 * MINUTE_MS <= judged.times_ms.min()
        assert {0, 1} == set((judged.times_ms % MINUTE_MS).tolist())


def test_the_command_judges_all_markets_together(files: list[Path], tmp_path: Path) -> None:
    arguments = ["--pool", "--horizon", "5", "--model", "logistic", "--folds", "2", "--json"]
    for more in ([], ["--ablate"]):
        done = subprocess.run(
            [sys.executable, "-m", "realtime_training", "evaluate", *map(str, files), *arguments,
             *more, "--state", str(tmp_path / "state")],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["symbol"] == "BTCUSDT + ETHUSDT"
        assert said["rows"] == 2 * COUNT
        if more:
            assert said["ablations"][0]["ablation"]["rows"] > COUNT / 2
        else:
            assert said["models"]["logistic"]["5"]["verdict"] != "skill"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["BTCUSDT-1m.csv"], "all files are of BTCUSDT"),
        (["BTCUSDT-1m.csv", "recorded.csv"], "whose names say the market"),
    ],
)
def test_what_is_no_pool_is_refused(names: list[str], said: str, tmp_path: Path) -> None:
    source = candles(tmp_path, "BTCUSDT", size=0.001, seed=3)
    paths = []
    for name in names:
        paths.append(tmp_path / name)
        paths[-1].write_bytes(source.read_bytes())
    with pytest.raises(InputError, match=said):
        files_by_market(paths)


def test_candles_of_two_timeframes_are_no_pool(files: list[Path], tmp_path: Path) -> None:
    parts = [
        load_files([file], SETTINGS, tmp_path, timeframe=timeframe)
        for file, timeframe in zip(files, ("1m", "5m"), strict=True)
    ]
    with pytest.raises(InputError, match="timeframe is 1m and 5m"):
        pooled(parts)
