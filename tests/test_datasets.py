"""Files and the store to features and prices: every form says the same, what is kept is used."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from inspect import getfile
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from candles.aggregation import CandleAggregator
from candles.columnar import fold
from exchanges.catalogue import venue_named
from marketstream.columns import CANDLE_COLUMNS, CandleColumns, PriceSeries
from marketstream.errors import InputError, SettingsError
from marketstream.messages import Candle
from marketstream.store.sql import open_store
from predictor.training.history import FeatureHistory
from predictor.training.prices import label_prices
from realtime_bench.load import make_load
from realtime_bench.seeded_trades import MARKET, SeededTrades
from realtime_training.commands.evaluate.work import Wanted, evaluate_all
from realtime_training.datasets import Recorded, load_files, load_stored
from realtime_training.datasets.cache import sources
from realtime_training.datasets.klines import read_klines
from realtime_training.datasets.longer import in_longer
from realtime_training.datasets.trades import candles_of
from realtime_training.recorded_feed import feed_recording
from realtime_training.settings import load_all
from technical_indicators.batch import feature_columns, feature_table
from technical_indicators.feature_set import FeatureSet, FeatureSettings

SETTINGS = load_all()
START_MS = 1_704_067_200_000
HEADER = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
type Row = tuple[float, ...]


def klines(count: int, step_ms: int = 60_000) -> list[Row]:
    random = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(random.normal(0, 1e-3, count)))
    rows: list[Row] = []
    before = 100.0
    for number, price in enumerate(close.round(2).tolist()):
        high, low = max(before, price) + 0.01, min(before, price) - 0.01
        opened = START_MS + number * step_ms
        rows.append(
            (opened, before, high, low, price, 2.5, opened + step_ms - 1, 250, 9, 1, 100, 0)
        )
        before = price
    return rows


def write_csv(path: Path, rows: list[Row], header: tuple[str, ...] | None = HEADER) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)
    return path


def as_archive(folder: Path, rows: list[Row]) -> Path:
    plain = write_csv(folder / "archive.csv", rows, None)
    packed = folder / "archive.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(plain, "BTCUSDT-1m.csv")
    return packed


def as_dates(folder: Path, rows: list[Row]) -> Path:
    path = folder / "dates.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("Timestamp;Open;High;Low;Close;Volume;Number of Trades;Taker Buy Base\n")
        for opened, *prices, _, _, count, taker, _, _ in rows:
            moment = np.datetime64(int(opened), "ms").astype(str).replace("T", " ")[:19]
            file.write(";".join(map(str, [moment, *prices, count, taker])) + "\n")
    return path


def as_table(rows: list[Row]) -> pa.Table:
    columns = dict(zip(HEADER, map(list, zip(*rows, strict=True)), strict=True))
    columns["open_time"] = pa.array(columns["open_time"], pa.int64()).cast(
        pa.timestamp("ms", "UTC")
    )
    return pa.table(columns)


def as_parquet(folder: Path, rows: list[Row]) -> Path:
    parquet.write_table(as_table(rows), folder / "klines.parquet")
    return folder / "klines.parquet"


def as_feather(folder: Path, rows: list[Row]) -> Path:
    table = as_table(rows)
    with ipc.new_file(str(folder / "klines.feather"), table.schema) as file:
        file.write_table(table)
    return folder / "klines.feather"


def same(one: CandleColumns, other: CandleColumns) -> bool:
    return one.timeframe == other.timeframe and all(
        np.array_equal(left, right, equal_nan=True)
        for left, right in [
            (one.open_time_ms, other.open_time_ms),
            *((one.floats(name), other.floats(name)) for name in CANDLE_COLUMNS),
        ]
    )


def candles_in(*files: Path) -> tuple[CandleColumns, int]:
    """The candles of files, and how many rows were left out."""
    read = read_klines(files)
    return read.candles, read.table.unusable.total() + read.table.repeated


@pytest.mark.parametrize("write", [as_archive, as_dates, as_parquet, as_feather])
def test_candles_are_the_same_in_every_form(
    tmp_path: Path, write: Callable[[Path, list[Row]], Path]
) -> None:
    rows = klines(50)
    expected, left_out = candles_in(write_csv(tmp_path / "klines.csv", rows))
    assert (expected.timeframe, len(expected), left_out) == ("1m", 50, 0)
    assert expected.taker_buy_volume[0] == 1
    found, _ = candles_in(write(tmp_path, rows))
    assert same(found, expected)


def test_of_a_candle_that_is_there_twice_the_last_counts_and_nonsense_is_left_out(
    tmp_path: Path,
) -> None:
    rows = klines(20)
    again = (rows[3][0], *rows[3][1:5], 7.0, *rows[3][6:])
    upside_down = (rows[5][0], rows[5][1], rows[5][3], rows[5][2], *rows[5][4:])
    first = write_csv(tmp_path / "a.csv", [*rows[:5], upside_down])
    second = write_csv(tmp_path / "b.csv", [again, *rows[6:]])
    candles, left_out = candles_in(second, first)
    assert left_out == 2
    assert len(candles) == 19
    assert candles.volume[3] == 2.5
    candles, _ = candles_in(first, second)
    assert candles.volume[3] == 7
    assert (np.diff(candles.open_time_ms) > 0).all()


def test_candles_of_an_unknown_length_or_without_a_price_are_refused(tmp_path: Path) -> None:
    odd = write_csv(tmp_path / "odd.csv", klines(5, step_ms=7_000_000))
    with pytest.raises(InputError, match="7000000 ms or multiples apart"):
        read_klines([odd])
    few = write_csv(tmp_path / "few.csv", klines(1))
    with pytest.raises(InputError, match=r"few\.csv: 1 usable candles"):
        read_klines([few])
    volume = HEADER.index("volume")
    names = tuple("size" if number == volume else name for number, name in enumerate(HEADER))
    nameless = write_csv(tmp_path / "names.csv", klines(5), names)
    with pytest.raises(InputError, match="no column holds the candle's volume"):
        read_klines([nameless])


def test_longer_candles_are_made_of_shorter_ones_and_lack_what_those_lack(tmp_path: Path) -> None:
    rows = klines(20)
    del rows[7]
    minutes, _ = candles_in(write_csv(tmp_path / "a.csv", rows))
    fives = in_longer(minutes, "5m")
    assert fives.open_time_ms.tolist() == [START_MS + number * 300_000 for number in range(4)]
    assert fives.complete.tolist() == [True, False, True, True]
    assert fives.high[0] == max(row[2] for row in rows[:5])
    assert fives.low[0] == min(row[3] for row in rows[:5])
    assert (fives.open[0], fives.close[0]) == (rows[0][1], rows[4][4])
    assert fives.volume.tolist() == [12.5, 10, 12.5, 12.5]
    with pytest.raises(SettingsError, match="timeframe 1s cannot be made of candles of 1m"):
        in_longer(minutes, "1s")


def stream(market: SeededTrades, timeframes: list[str]) -> dict[str, list[Candle]]:
    aggregator = CandleAggregator(MARKET, timeframes)
    made: dict[str, list[Candle]] = {timeframe: [] for timeframe in timeframes}
    for message in market.messages():
        for candle in aggregator.update(message):
            made[candle.timeframe].append(candle)
    return made


def test_features_of_columns_are_those_of_candles_and_first_prints_those_of_the_stream() -> None:
    market = SeededTrades(40, 200)
    streamed = stream(market, ["250ms", "1s"])
    base, seconds = (candles_of(market.table(), timeframe) for timeframe in ("250ms", "1s"))
    for name in ("first_buy", "first_sell"):
        expected = [getattr(candle, name) for candle in streamed["250ms"]]
        assert base.open_time_ms[0] == streamed["250ms"][0].open_time_ms
        np.testing.assert_array_equal(
            getattr(base, name)[: len(expected)], np.array(expected, np.float64)
        )
    feature_set = FeatureSet("1s", "250ms", FeatureSettings())
    found = feature_columns(seconds, base, feature_set)
    plain, plain_base = ([without_book(c) for c in streamed[each]] for each in ("1s", "250ms"))
    expected_table = feature_table(plain, plain_base, feature_set)
    rows = len(expected_table)
    assert rows > 190
    assert found.names == expected_table.names
    np.testing.assert_array_equal(found.close_time_ms[:rows], expected_table.close_time_ms)
    np.testing.assert_array_equal(found.values[:rows], expected_table.values)
    prices = PriceSeries.of(base)
    assert np.isfinite(label_prices(prices, "fair")).mean() > 0.9


def without_book(candle: Candle) -> Candle:
    return msgspec.structs.replace(candle, bid=None, bid_quantity=None, ask=None, ask_quantity=None)


def write_frames(path: Path, seconds: float) -> Path:
    return make_load(("BTC/USDT",), 20, seconds).record(path)


def load(files: list[Path], state: Path, **options: str | None) -> Recorded:
    return load_files(files, SETTINGS, state, **options)  # type: ignore[arg-type]


def test_frames_with_quotes_are_judged_by_the_mid_and_what_was_made_is_kept(
    tmp_path: Path,
) -> None:
    file = write_frames(tmp_path / "recorded.gz", 60)
    made = load([file], tmp_path, symbol="BTC/USDT")
    assert (made.label, made.timeframe, made.cached) == ("mid", "1s", False)
    assert 57 <= len(made.table) <= 61
    assert made.used == tuple(SETTINGS.predictor.features)
    assert np.isfinite(made.prices.mid).mean() > 0.95
    again = load([file], tmp_path, symbol="BTC/USDT")
    assert again.cached
    assert again.identity == made.identity
    np.testing.assert_array_equal(again.table.values, made.table.values)
    np.testing.assert_array_equal(again.prices.mid, made.prices.mid)
    with pytest.raises(SettingsError, match="give --symbol"):
        load([file], tmp_path)
    wanting = SETTINGS.predictor.model_copy(update={"features": ["imbalance", "rsi_99"]})
    with pytest.raises(SettingsError, match="rsi_99 is not computed"):
        load_files([file], replace(SETTINGS, predictor=wanting), tmp_path, symbol="BTC/USDT")


@pytest.mark.parametrize(
    "maker",
    [
        CandleColumns, FeatureHistory, venue_named, label_prices, feed_recording, candles_of, fold,
        feature_columns,
    ],
)  # fmt: skip
def test_what_is_kept_goes_by_the_code_that_made_it(maker: type | Callable[..., object]) -> None:
    assert Path(getfile(maker)) in sources()


def test_what_is_kept_goes_by_content_and_question_and_is_made_anew_where_it_is_damaged(
    tmp_path: Path,
) -> None:
    file = write_csv(tmp_path / "a.csv", klines(400))
    made = load([file], tmp_path)
    assert (made.label, made.symbol, made.cached) == ("close", None, False)
    moved = file.rename(tmp_path / "b.csv")
    assert load([moved], tmp_path).cached
    assert not load([moved], tmp_path, timeframe="5m").cached
    assert not load([write_csv(tmp_path / "c.csv", klines(401))], tmp_path).cached
    folder = tmp_path / "datasets"
    assert len(list(folder.iterdir())) == 3
    for kept in folder.iterdir():
        content = bytearray(kept.read_bytes())
        content[len(content) // 2] ^= 255
        kept.write_bytes(content)
    anew = load([moved], tmp_path)
    assert not anew.cached
    np.testing.assert_array_equal(anew.table.values, made.table.values)
    assert load([moved], tmp_path).cached
    for kept in folder.iterdir():
        kept.write_bytes(b"")
    assert not load([moved], tmp_path).cached


def test_what_a_killed_process_left_unfinished_is_removed_and_what_another_writes_is_not(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "datasets"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
    for pid in (ended.pid, os.getpid()):
        (folder / f"a.{pid}").write_bytes(b"half")
    load([write_csv(tmp_path / "a.csv", klines(400))], tmp_path)
    assert {path.suffix for path in folder.iterdir()} == {".npz", f".{os.getpid()}"}


def test_candles_use_only_what_is_known_of_them(tmp_path: Path) -> None:
    rows = [row[:6] for row in klines(400)]
    made = load([write_csv(tmp_path / "a.csv", rows, HEADER[:6])], tmp_path)
    assert "roc_5" in made.used
    assert not [name for name in made.used if name.startswith(("flow", "imbalance", "trades"))]
    fuller = load([write_csv(tmp_path / "b.csv", klines(1_000))], tmp_path)
    assert {"flow_60s", "trades_300s"} <= set(fuller.used)


def test_trades_without_sides_allow_no_label_finer_than_a_minute(tmp_path: Path) -> None:
    lines = [f"{START_MS // 1_000 + second},{100 + second % 3},1\n" for second in range(600)]
    file = tmp_path / "dump.csv"
    file.write_text("".join(lines))
    seconds = load([file], tmp_path, timeframe="1s")
    assert len(seconds.table) == 600  # features there are
    with pytest.raises(InputError, match="bounces between bid and ask"):
        evaluate_all(seconds, Wanted((5,), ("logistic",)), SETTINGS.predictor)
    made = load([file], tmp_path, timeframe="1m")
    assert (made.label, len(made.table)) == ("close", 10)


def test_files_that_are_gone_or_of_several_kinds_are_refused(tmp_path: Path) -> None:
    candles = write_csv(tmp_path / "a.csv", klines(30))
    frames = write_frames(tmp_path / "b.gz", 2)
    with pytest.raises(InputError, match="candles and frames together"):
        load([candles, frames], tmp_path)
    with pytest.raises(InputError, match="no such file"):
        load([tmp_path / "missing.csv"], tmp_path)
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(frames.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read"):
        load([broken], tmp_path)


def test_stored_candles_bring_the_book_and_the_features_of_the_stream(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"realtime\.sqlite: no such file"):
        load_stored(SETTINGS, tmp_path, "binance", "BTC/USDT")
    streamed = stream(SeededTrades(40, 120), ["250ms", "1s"])
    store = open_store(f"sqlite:///{tmp_path / 'realtime.sqlite'}")
    store.write([*streamed["250ms"], *streamed["1s"]])
    store.close()
    with pytest.raises(InputError, match=r"no candles of binance:ETH/USDT 1s"):
        load_stored(SETTINGS, tmp_path, "binance", "ETH/USDT")
    stored = load_stored(SETTINGS, tmp_path, "binance", "BTC/USDT")
    feature_set = FeatureSet("1s", "250ms", SETTINGS.features)
    expected = feature_table(streamed["1s"], streamed["250ms"], feature_set)
    assert (stored.label, stored.feature_set) == ("mid", feature_set.version)
    np.testing.assert_array_equal(stored.table.values, expected.values)
    mids = np.array([candle.mid for candle in streamed["250ms"]], np.float64)
    np.testing.assert_array_equal(stored.prices.mid, mids)
    assert np.isfinite(mids).any()
