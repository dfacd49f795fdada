"""Which features models use of files: those configured as far as they can be known, and why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marketstream.errors import InputError, SettingsError
from predictor.settings import PredictorSettings
from realtime_training.commands.evaluate.work import Wanted, evaluate_all, summary
from realtime_training.datasets import Recorded, load_files
from realtime_training.settings import Settings, load_all

START_MS = 1_704_067_200_000
DEFAULTS = load_all()


def configured(*features: str) -> Settings:
    return replace(DEFAULTS, predictor=PredictorSettings(features=list(features)))


def candles(folder: Path, settings: Settings, rows: int = 400) -> Recorded:
    """Candles of a minute without sides or counts, as many a vendor gives them."""
    random = np.random.default_rng(1)
    closes = (100 * np.exp(np.cumsum(random.normal(0, 1e-3, rows)))).round(4).tolist()
    path = folder / "candles.csv"
    path.write_text(
        "time,open,high,low,close,volume\n"
        + "".join(
            f"{START_MS + 60_000 * number},{close},{close},{close},{close},1\n"
            for number, close in enumerate(closes)
        )
    )
    return load_files([path], settings, folder)


def test_models_use_the_features_that_are_configured(tmp_path: Path) -> None:
    settings = configured("rsi_14", "macd", "bb_upper", "ema_20")
    data = candles(tmp_path, settings)
    assert data.used == ("rsi_14", "macd", "bb_upper", "ema_20")
    assert data.unused == {}
    wanted = Wanted((1,), ("logistic",), folds=2)
    [found] = evaluate_all(data, wanted, settings.predictor)
    assert found.settings.features == ["rsi_14", "macd", "bb_upper", "ema_20"]
    said = summary(data, wanted, [found])
    assert (said["features"], said["features_not_used"]) == (list(data.used), {})


def test_what_a_file_cannot_say_is_left_out_with_the_reason(tmp_path: Path) -> None:
    names = ("rsi_14", "imbalance", "flow_1s", "plus_di_14")
    settings = configured(*names)
    data = candles(tmp_path, settings)
    assert data.used == ("rsi_14", "plus_di_14")
    assert data.unused == {
        "imbalance": "there is no book",
        "flow_1s": "looks into less than one of the candles there are",
    }
    short = candles(tmp_path, configured("rsi_14", "ema_50"), 80)
    assert short.used == ("rsi_14",)
    assert short.unused == {"ema_50": "known in 39% of the rows, and 50% are needed"}


def test_those_that_come_with_the_program_have_stand_ins_that_need_no_book(tmp_path: Path) -> None:
    data = candles(tmp_path, DEFAULTS)
    assert {"rsi_14", "natr_14", "roc_5", "willr_14"} <= set(data.used)
    assert data.unused["spread"] == "there is no book"
    assert set(data.unused) == set(DEFAULTS.predictor.features) - {"rsi_14", "natr_14"}


def test_a_feature_that_nothing_computes_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"rsi_15 is not computed: did you mean rsi_14\? add"):
        candles(tmp_path, configured("rsi_15"))


def test_nothing_to_learn_from_is_refused_with_the_reason(tmp_path: Path) -> None:
    settings = configured("imbalance", "spread")
    data = candles(tmp_path, settings)
    with pytest.raises(InputError, match=r"none .* imbalance, spread \(there is no book\)"):
        evaluate_all(data, Wanted((1,), ("logistic",), folds=2), settings.predictor)
