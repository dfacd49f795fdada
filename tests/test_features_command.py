"""`realtime features`: what models see, in every form the same."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click import BadParameter
from pyarrow import ipc, parquet

from marketstream.errors import StateError
from realtime_training.commands.features.command import features
from realtime_training.commands.features.work import summary, write_features
from realtime_training.datasets import Recorded, load_files
from realtime_training.settings import load_all


def write_trades(path: Path) -> Path:
    random = np.random.default_rng(1)
    prices = (100 + np.cumsum(random.normal(0, 0.01, 900))).round(2).tolist()
    path.write_text(
        "time,price,quantity,side\n"
        + "".join(
            f"{1_704_067_200_000 + 333 * number},{price},0.5,{('buy', 'sell')[number % 2]}\n"
            for number, price in enumerate(prices)
        )
    )
    return path


@pytest.fixture
def data(tmp_path: Path) -> Recorded:
    return load_files([write_trades(tmp_path / "trades.csv")], load_all(), tmp_path)


def test_csv_on_stdout_has_a_row_for_each_close_and_nothing_where_nothing_is_known(
    tmp_path: Path,
) -> None:
    trades = write_trades(tmp_path / "trades.csv")
    command = [sys.executable, "-m", "realtime_training", "features", trades, "--state", tmp_path]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert len(rows) == 300
    assert list(rows[0])[:5] == ["close_time_ms", "bid", "ask", "close", "complete"]
    assert rows[0]["close_time_ms"] == "1704067201000"
    assert (rows[0]["bid"], rows[0]["roc_10"], rows[0]["complete"]) == ("", "", "false")
    assert rows[-2]["complete"] == "true"
    close, before = float(rows[-2]["close"]), float(rows[-12]["close"])
    assert float(rows[-2]["roc_10"]) == pytest.approx(100 * (close / before - 1))


@pytest.mark.parametrize("name", ["features.csv", "features.parquet", "features.feather"])
def test_every_form_holds_the_table(data: Recorded, tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    write_features(data.table, output)
    if output.suffix == ".csv":
        rows = list(csv.DictReader(output.read_text().splitlines()))
        column = [float(row["rsi_14"] or "nan") for row in rows]
        times = [int(row["close_time_ms"]) for row in rows]
    else:
        is_parquet = output.suffix == ".parquet"
        table = parquet.read_table(output) if is_parquet else ipc.open_file(output).read_all()
        column = table["rsi_14"].to_pylist()
        times = table["close_time_ms"].to_pylist()
    expected = data.table.columns(["rsi_14"])[:, 0]
    np.testing.assert_array_equal(np.array(column, np.float64), expected)
    assert times == data.table.close_time_ms.tolist()


def test_summary_says_what_is_known_and_what_models_use(data: Recorded) -> None:
    said = json.loads(json.dumps(summary(data)))
    assert (said["rows"], said["incomplete"], said["label"]) == (300, 2, "fair")
    assert said["features"]["imbalance"] == 0
    assert said["features"]["rsi_14"] == pytest.approx(286 / 300, abs=1e-6)
    assert "rsi_14" in said["used_by_models"]
    assert "imbalance" not in said["used_by_models"]


def test_a_file_that_cannot_be_written_is_said(data: Recorded, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be written"):
        write_features(data.table, tmp_path / "nowhere" / "features.csv")


def test_a_form_that_is_not_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match=r"x\.xlsx' has to end in one of .* \.csv\.gz"):
        features.main(
            [str(tmp_path / "gone.csv"), "-o", str(tmp_path / "x.xlsx")], standalone_mode=False
        )
    assert list(tmp_path.iterdir()) == []
