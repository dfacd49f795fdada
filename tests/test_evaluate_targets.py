"""`realtime evaluate --target`: volatility and range, of candles, trades and frames alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from marketstream.columns import CandleColumns
from marketstream.errors import InputError, SettingsError
from predictor.targets.definitions import Target
from realtime_training.commands.evaluate.command import evaluate
from realtime_training.commands.evaluate.target_work import (
    WantedTarget,
    draw,
    evaluate_targets,
    summary,
)
from realtime_training.datasets.base_candles import BaseCandles, load_candles
from realtime_training.settings import load_all
from realtime_training.testing import realtime

SETTINGS = load_all()


def write_candles(path: Path, closes: np.ndarray[Any, np.dtype[np.float64]]) -> Path:
    with path.open("w") as file:
        file.write("open_time,open,high,low,close,volume\n")
        before = closes[0]
        for row, close in enumerate(closes.tolist()):
            low, high = min(before, close), max(before, close)
            opened = 1_704_067_200_000 + 60_000 * row
            file.write(f"{opened},{before:.8f},{high:.8f},{low:.8f},{close:.8f},1\n")
            before = close
    return path


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of candles of a minute whose variance clusters."""
    random = np.random.default_rng(7)
    logs = np.zeros(5_760)
    for row in range(1, len(logs)):
        logs[row] = 0.99 * logs[row - 1] + 0.2 * random.normal()
    closes = 100 * np.exp(np.cumsum(3e-4 * np.exp(logs / 2) * random.normal(size=len(logs))))
    return write_candles(tmp_path_factory.mktemp("candles") / "candles.csv", closes)


@pytest.fixture(scope="module")
def trades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of trades at the bid or the ask, 5 bp apart."""
    random = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("walk") / "trades.csv"
    size = 20_000
    times_ms = 1_704_067_200_000 + np.sort(random.integers(0, 3_600_000, size))
    mid = 100 * np.exp(np.cumsum(random.normal(0, 4e-5, size)))
    buys = random.random(size) < 0.5
    prices = mid * np.where(buys, 1 + 2.5e-4, 1 - 2.5e-4)
    with path.open("w") as file:
        file.write("time,price,quantity,side\n")
        for time_ms, price, buy in zip(times_ms, prices, buys, strict=True):
            file.write(f"{time_ms},{price:.4f},1,{'buy' if buy else 'sell'}\n")
    return path


def test_json_says_for_each_horizon_how_well_it_is_forecast(candles: Path) -> None:
    done = realtime(
        "evaluate", candles, "--target", "volatility", "--horizon", "5", "--horizon", "15",
        "--folds", "2", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert (result["target"], result["timeframe"], result["base"]) == ("volatility", "1m", "1m")
    assert (result["label"], result["candles"], result["incomplete_candles"]) == ("close", 5_760, 0)
    assert list(result["horizons"]) == ["5", "15"]
    five = result["horizons"]["5"]
    assert (five["horizon_ms"], five["returns"], len(five["folds"])) == (300_000, 5, 2)
    assert list(five["scores"]) == ["ridge", "ewma", "har", "same_hour_of_yesterday"]
    ridge, yesterday = five["scores"]["ridge"], five["scores"]["same_hour_of_yesterday"]
    assert ridge["qlike_less"] is None
    assert yesterday["qlike_less"]["low"] > 0
    assert ridge["qlike"] < yesterday["qlike"]
    assert ridge["coverage"] == pytest.approx(0.9, abs=0.03)
    assert ridge["coverage_low"] < ridge["coverage"] < ridge["coverage_high"]
    assert len(ridge["levels"]) == 19
    assert five["effective"] == pytest.approx(five["rows"] / 5)


def test_without_json_there_is_a_table_a_horizon_and_the_verdict_in_words(
    candles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate.main(
        [str(candles), "--target", "range", "--horizon", "15", "--folds", "2"],
        standalone_mode=False,
    )
    printed = capsys.readouterr().out
    for part in (
        "range: the log of the highest over the lowest price", "range 15 min", "QLIKE",
        "ridge less by, %", "CRPS of the log", "90 % bounds hold, %", "har", "of yesterday",
        "left out: 0 with a missing or incomplete candle",
    ):  # fmt: skip
        assert part in printed
    assert "range 15 min: " in printed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--model", "logistic"], "--model"),
        (["--cost-bps", "3", "--tune", "5s"], "--cost-bps and --tune"),
    ],
)
def test_what_is_of_directions_alone_is_refused_with_the_remedy(
    candles: Path, options: list[str], named: str
) -> None:
    with pytest.raises(SettingsError, match=f"{named} with --target volatility: .*: leave {named}"):
        evaluate.main([str(candles), "--target", "volatility", *options], standalone_mode=False)


def test_timeframes_labels_and_files_that_do_not_fit_are_refused(
    candles: Path, trades: Path
) -> None:
    with pytest.raises(SettingsError, match="timeframe 90s is no whole number of candles of 1m"):
        load_candles([candles], SETTINGS, timeframe="90s")
    with pytest.raises(InputError, match="label mid: these data have no such prices"):
        load_candles([candles], SETTINGS, label="mid")
    with pytest.raises(InputError, match="candles and trades together: give files of one kind"):
        load_candles([candles, trades], SETTINGS)


def test_files_say_the_same_in_whichever_order_they_come(candles: Path, tmp_path: Path) -> None:
    head, *rows = candles.read_text().splitlines(keepends=True)
    parts = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for part, chosen in zip(parts, (rows[3_000:], rows[:3_000]), strict=True):
        part.write_text(head + "".join(chosen))
    one, two = (
        evaluate_targets(load_candles(files, SETTINGS), WantedTarget("range", (5,)),
                         SETTINGS.predictor)[0].evaluation.scores
        for files in (parts, [candles])
    )  # fmt: skip
    assert one == two


def test_a_longer_timeframe_decides_less_often_on_the_same_returns(candles: Path) -> None:
    data = load_candles([candles], SETTINGS, timeframe="5m")
    [each] = evaluate_targets(data, WantedTarget("volatility", (3,)), SETTINGS.predictor)
    assert (data.candles.timeframe, each.evaluation.returns) == ("1m", 15)
    assert each.rows is not None
    assert (np.diff(each.rows.rows.times_ms) % 300_000 == 0).all()


def test_a_price_that_does_not_move_has_a_clear_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = write_candles(tmp_path / "flat.csv", np.full(2_000, 100.0))
    pictures = tmp_path / "pictures"
    options = ["--target", "volatility", "--horizon", "5", "--pictures", str(pictures)]
    evaluate.main([str(flat), *options], standalone_mode=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "volatility 5 min: too little data (the price did not move" in printed
    assert "nan" not in printed
    assert not pictures.exists()


def test_the_bounce_between_bid_and_ask_is_no_volatility_of_the_fair_mid(trades: Path) -> None:
    wanted = WantedTarget("volatility", (10,), folds=2)
    honest, bouncing = (
        evaluate_targets(
            load_candles([trades], SETTINGS, timeframe="1s", label=label), wanted,
            SETTINGS.predictor,
        )[0].evaluation
        for label in (None, "close")
    )  # fmt: skip
    true_bps = 1e4 * 4e-5 * np.sqrt(10 * 20_000 / 3_600)
    assert (honest.label, honest.returns) == ("fair", 10)
    assert honest.median_bps == pytest.approx(true_bps, rel=0.15)
    assert bouncing.median_bps is not None
    assert bouncing.median_bps > 3 * true_bps
    assert honest.verdict == "no skill"


def test_few_returns_are_said_to_be_a_rough_measure(
    candles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--target", "volatility", "--horizon", "2", "--folds", "1"]
    evaluate.main([str(candles), *options], standalone_mode=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "a horizon holds 2 returns, a rough measure of its variance" in printed


def test_pictures_show_what_was_said_and_what_came(candles: Path, tmp_path: Path) -> None:
    data = load_candles([candles], SETTINGS)
    wanted = WantedTarget("volatility", (5, 5_000), folds=2)
    results = evaluate_targets(data, wanted, SETTINGS.predictor)
    assert [each.rows is None for each in results] == [False, True]
    assert results[1].evaluation.reason is not None
    [path] = draw(data, wanted, results, tmp_path / "pictures")
    assert path.name == "volatility-5x1m.svg"
    texts = {node.text for node in ElementTree.fromstring(path.read_bytes()).iter()}
    assert {
        "Said and come", "As much as said?", "As often as said?", "Ahead of the baselines",
    } <= texts  # fmt: skip
    assert len(path.read_bytes()) < 200_000
    assert draw(data, wanted, results, tmp_path / "again")[0].read_bytes() == path.read_bytes()
    assert summary(data, wanted, results)["horizons"]["5000"]["scores"] == {}


def figures(data: BaseCandles, target: Target, *horizons: int) -> list[Any]:
    results = evaluate_targets(data, WantedTarget(target, horizons), SETTINGS.predictor)
    return [each.evaluation for each in results]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("market", ["BTC", "ETH"])
def test_volatility_of_real_minutes_is_foretold_better_than_by_har(
    market: str, market_data: Path
) -> None:
    years = ("2022", "2023", "2024", "q4_2024", "2025")
    files = [
        market_data / "candles" / f"binance-spot-{market}USDT-1m-{year}.csv.gz" for year in years
    ]
    data = load_candles(files, SETTINGS)
    [quarter] = figures(data, "volatility", 15)
    less = quarter.scores["har"].qlike_less
    assert less.share >= 0.03
    assert less.low > 0
    assert 0.88 <= quarter.scores["ridge"].coverage <= 0.92
    assert quarter.verdict == "skill"


@pytest.mark.data
def test_recorded_quotes_have_the_volatility_of_their_mid(market_data: Path) -> None:
    files = [
        market_data / "trades" / f"binance-spot-BTCUSDT-{day}.frames.gz"
        for day in ("20240808", "20240809")
    ]
    data = load_candles(files, SETTINGS, symbol="BTC/USDT", timeframe="1s")
    assert isinstance(data.candles, CandleColumns)
    assert (data.label, data.candles.timeframe) == ("mid", "250ms")
    [ten] = figures(data, "volatility", 10)
    assert ten.returns == 40
    assert ten.verdict == "too little data"
    assert 0.5 < ten.median_bps < 20
