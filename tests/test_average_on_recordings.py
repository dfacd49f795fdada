"""On recorded markets the average of all candidates is not below the best reference."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from marketstream.columns import Flags, Floats
from marketstream.uncertainty import HORIZONS_PER_BLOCK, variance_of_mean
from predictor.policy.average import AVERAGE
from predictor.training.candidates import REFERENCES
from predictor.training.dataset import labelled
from predictor.validation.out_of_sample import walk
from realtime_training.commands.evaluate.work import settings_for
from realtime_training.datasets import Recorded, load_files
from realtime_training.settings import load_all

SETTINGS = load_all()
RECORDINGS = {
    "spot": ("binance-spot-BTCUSDT-20240808.frames.gz", "binance-spot-BTCUSDT-20240809.frames.gz"),
    "perpetual": ("binance-usdm-BTCUSDT-20240808.frames.gz",),
}
STARTS = (0.0, 0.15, 0.3, 0.45)
BEYOND_CHANCE = 2.9  # deviations: 24 looks, each at 0.2 %, make 5 % together


@pytest.fixture(scope="module", params=RECORDINGS)
def recorded(
    request: pytest.FixtureRequest, market_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Recorded:
    files = [market_data / "trades" / name for name in RECORDINGS[request.param]]
    return load_files(files, SETTINGS, tmp_path_factory.mktemp("state"), symbol="BTC/USDT")


@pytest.mark.data
@pytest.mark.parametrize("seconds", [1, 2, 5])
def test_average_is_not_below_the_best_reference_wherever_it_begins(
    recorded: Recorded, seconds: int
) -> None:
    """The best reference is the one that was best on those very rows, which nobody knows before."""
    settings, judged = settings_for(recorded, "lightgbm", SETTINGS.predictor), 0
    for start in STARTS:
        table = recorded.table.rows(slice(int(start * len(recorded.table)), None))
        data = labelled(table, recorded.prices, horizon_ms=1_000 * seconds)
        rows = walk(data, settings)
        assert rows is not None
        moved, up = rows.returns != 0, rows.returns > 0

        def right(p_up: Floats, moved: Flags = moved, up: Flags = up) -> Floats:
            return np.where(p_up == 0.5, 0.5, (p_up > 0.5) == up)[moved]

        best = max((right(rows.p_up[name]) for name in REFERENCES), key=np.mean)
        ahead = right(rows.p_up[AVERAGE]) - best
        blocks = rows.times_ms[moved] // (HORIZONS_PER_BLOCK * 1_000 * seconds)
        variance = variance_of_mean(ahead, blocks)
        if variance is None:  # too few independent rows to say anything
            continue
        judged += 1
        assert ahead.mean() >= -BEYOND_CHANCE * sqrt(variance), f"from {start} on"
    assert judged >= 2
