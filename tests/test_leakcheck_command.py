"""`realtime leakcheck`: the features as configured pass on every kind of file; leaks end with 1."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marketstream.columns import FeatureTable
from predictor.leakcheck import Series
from realtime_training.commands.leakcheck.command import leakcheck
from realtime_training.commands.leakcheck.sample import read_sample
from realtime_training.commands.leakcheck.work import check_leaks
from realtime_training.settings import load_all
from realtime_training.testing import realtime

START_MS = 1_723_161_600_000
CHECKS = ["truncation", "warm-up", "streaming", "horizon", "overlap", "fitting"]


def write_trades(path: Path, seconds: int = 700) -> Path:
    """Two trades a second, now a buy, now a sale."""
    random = np.random.default_rng(0)
    prices = 100 * np.exp(np.cumsum(random.normal(0, 1e-3, 2 * seconds)))
    bought = random.random(2 * seconds) < 0.5
    lines = [
        f"{number},{prices[number]:.2f},{random.uniform(0.1, 2):.3f},0,"
        f"{START_MS + 500 * number},{not bought[number]},True\n"
        for number in range(2 * seconds)
    ]
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="module")
def trades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trades(tmp_path_factory.mktemp("trades") / "trades.csv")


def test_recording_without_a_leak_ends_with_0_and_one_object(trades: Path) -> None:
    done = realtime("leakcheck", trades, "--horizon", "2", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert [check["check"] for check in summary["checks"]] == CHECKS
    assert [check["skipped"] for check in summary["checks"]] == [None] * len(CHECKS)
    assert summary["clean"] is True
    assert summary["leaks"] == 0
    assert summary["label"] == "fair"
    assert (summary["rows"], summary["warm_up_rows"]) == (699, 512)


def test_what_is_checked_is_said_line_by_line(trades: Path) -> None:
    done = realtime("leakcheck", trades)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3 + 2 * 3 + 1
    assert lines[0] == "ok      truncation: features stay what they are, whatever comes after"
    assert lines[-1].startswith("clean: 699 rows of 1s, ")


def peeking(name: str) -> Callable[[FeatureTable], FeatureTable]:
    def features(table: FeatureTable) -> FeatureTable:
        values = table.values.copy()
        values[:-1, table.names.index(name)] = table.close[1:]
        return replace(table, values=values)

    return features


def test_feature_that_looks_ahead_is_named_with_its_row(trades: Path) -> None:
    settings = load_all()
    sample = read_sample([trades], settings)
    peek = peeking("rsi_14")

    def features(series: Series) -> FeatureTable:
        return peek(sample.features(series))

    summary = check_leaks(replace(sample, features=features), (1,), settings)
    assert summary["clean"] is False
    found = {check["check"]: check["leaks"] for check in summary["checks"] if check["leaks"]}
    assert found.keys() == {"truncation", "streaming"}
    for leaks in found.values():
        assert [leak["feature"] for leak in leaks] == ["rsi_14"]
        assert leaks[0]["time_ms"] > START_MS


def test_leak_ends_with_1(
    trades: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from realtime_training.commands.leakcheck import sample as leakcheck_sample
    from technical_indicators.batch import feature_table as honest

    peek = peeking("rsi_14")
    monkeypatch.setattr(leakcheck_sample, "feature_table", lambda *given: peek(honest(*given)))
    with pytest.raises(SystemExit) as ended:
        leakcheck.main([str(trades), "--horizon", "1"], standalone_mode=False)
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("LEAK    truncation")
    assert lines[1].startswith("        rsi_14 at ")
    assert lines[-1].startswith("2 leaks: ")


def test_short_recording_is_checked_as_far_as_that_goes(tmp_path: Path) -> None:
    settings = load_all()
    sample = read_sample([write_trades(tmp_path / "trades.csv", 60)], settings)
    summary = check_leaks(sample, (50,), settings)
    assert summary["clean"] is True
    skipped = {check["check"]: check["skipped"] for check in summary["checks"]}
    assert skipped["warm-up"] == "there are 59 rows: give more"
    assert skipped["fitting"] is not None
    assert summary["warm_up_rows"] == 0


def test_candles_are_checked_by_their_closes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(random.normal(0, 1e-3, 4_400)))
    lines = ["open_time,open,high,low,close,volume\n"]
    lines += [
        f"{START_MS + 60_000 * row},{price},{price + 0.1},{price - 0.1},{price},{1 + row % 7}\n"
        for row, price in enumerate(close)
        if row % 100 or row < 100  # with gaps
    ]
    path = tmp_path / "candles.csv"
    path.write_text("".join(lines))
    settings = load_all()
    summary = check_leaks(read_sample([path], settings), (5,), settings, latency_ms=100)
    assert summary["clean"] is True, summary["checks"]
    assert [check["skipped"] for check in summary["checks"]] == [None] * len(CHECKS)
    assert (summary["timeframe"], summary["label"]) == ("1m", "close")


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("{}\n", [], 2, "give --symbol"),
        ("{}\n", ["--symbol", "BTC/USDT"], 3, "no usable trade inside"),
        (None, [], 3, "4 candles of 1s: give a longer recording"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    tmp_path: Path, content: str | None, options: list[str], code: int, message: str
) -> None:
    path = tmp_path / "recording"
    if content is None:
        write_trades(path, 5)
    else:
        path.write_text(content)
    done = realtime("leakcheck", path, *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


@pytest.mark.data
def test_recorded_frames_with_a_book_are_clean(market_data: Path) -> None:
    files = sorted((market_data / "trades").glob("binance-spot-BTCUSDT-2024080?.frames.gz"))
    settings = load_all()
    summary = check_leaks(
        read_sample(files, settings, symbol="BTC/USDT", timeframe="1s"), (1, 2), settings
    )
    assert summary["clean"] is True, summary["checks"]
    assert summary["label"] == "mid"
    assert [check["skipped"] for check in summary["checks"]] == [None] * 9
