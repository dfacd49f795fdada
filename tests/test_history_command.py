"""`realtime history`: whole days of trades by REST or from archives, into files and the store."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import zipfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from exchanges.sources import Place, sources_of
from marketstream.errors import InputError, NetworkError
from marketstream.messages import Trade
from marketstream.readers import read_trades
from marketstream.store.sql import open_store
from realtime_training.commands.history.archives import check_sums
from realtime_training.commands.history.days import DayFile
from realtime_training.commands.history.work import Fetched, fetch, store_days, store_files

MARKET = "binance:BTC/USDT"
FIRST, END = date(2024, 8, 8), date(2024, 8, 10)
START_MS = round(datetime(2024, 8, 7, 23, tzinfo=UTC).timestamp()) * 1_000
EVERY_MS = 9_973
COUNT = 20_000  # trades, over 55 hours
PAGE = 1_000


def row(number: int) -> dict[str, object]:
    """Return an aggregate of two fills; every 500th has a time a little before the one before."""
    time_ms = START_MS + number * EVERY_MS - (12_000 if number % 500 == 0 else 0) // 12
    return {
        "a": number, "p": f"{60_000 + number % 77}.5", "q": "0.25", "f": 2 * number + 1,
        "l": 2 * number + 2, "T": time_ms, "m": bool(number % 3), "M": True,
    }  # fmt: skip


class Exchange:
    """Answers as Binance does to questions for aggregates; can leave some out, or break off."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails_after: int | None = None
        self.lacks: set[int] = set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.fails_after is not None and self.asked > self.fails_after:
            return web.Response(status=400)
        query = request.query
        if "fromId" in query:
            first = int(query["fromId"])
        elif "startTime" not in query:
            first = COUNT - 1
        else:
            first = next(n for n in range(COUNT) if row(n)["T"] >= int(query["startTime"]))  # type: ignore[operator]
        rows = [row(n) for n in range(first, min(first + PAGE, COUNT)) if n not in self.lacks]
        return web.json_response(rows)


def fetched(folder: Path, exchange: Exchange, end: date = END) -> Fetched:
    async def run() -> Fetched:
        app = web.Application()
        app.router.add_get("/api/v3/aggTrades", exchange.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            port = runner.addresses[0][1]
            (source,) = sources_of([MARKET], Place("binance", None, f"http://127.0.0.1:{port}"))
            return await fetch(source, FIRST, end, folder, lambda _: None)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def rows_of(day: DayFile) -> list[list[str]]:
    with gzip.open(day.path, "rt") as file:
        return list(csv.reader(file))[1:]


def traded_on(day: DayFile) -> list[int]:
    return [n for n in range(COUNT) if day.from_us <= int(str(row(n)["T"])) * 1_000 < day.until_us]


def test_days_are_fetched_whole_each_into_its_file(tmp_path: Path) -> None:
    done = fetched(tmp_path, Exchange())
    assert [day.path.name for day in done.days] == [
        "binance-BTC-USDT-trades-20240808.csv.gz", "binance-BTC-USDT-trades-20240809.csv.gz",
    ]  # fmt: skip
    for day in done.days:
        assert [int(one[1]) for one in rows_of(day)] == [2 * n + 2 for n in traded_on(day)]
    assert done.missing == 0
    assert done.trades == 2 * sum(len(traded_on(day)) for day in done.days)
    assert sorted(path.name for path in tmp_path.iterdir()) == [day.path.name for day in done.days]


def test_what_was_cut_off_is_gone_on_with_and_what_is_there_is_not_asked_for(
    tmp_path: Path,
) -> None:
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = fetched(tmp_path / "whole", Exchange())
    exchange = Exchange()
    exchange.fails_after = 4
    with pytest.raises(NetworkError, match="400"):
        fetched(tmp_path / "cut", exchange)
    (part,) = (tmp_path / "cut").glob("*.part")
    with part.open("a") as file:
        file.write("12345,12")  # half a line
    exchange.fails_after = None
    asked = exchange.asked
    again = fetched(tmp_path / "cut", exchange)
    for one, two in zip(whole.days, again.days, strict=True):
        assert one.path.read_bytes() == two.path.read_bytes()
    assert again.missing == 0
    asked, before = exchange.asked, asked
    assert asked > before
    fetched(tmp_path / "cut", exchange)
    assert exchange.asked == asked


def test_ids_that_the_exchange_leaves_out_are_counted_as_missing(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.lacks = {3_000, 3_001, 9_000}
    assert fetched(tmp_path, exchange).missing == 6


def test_days_in_the_store_are_the_candles_that_all_trades_make_together(tmp_path: Path) -> None:
    done = fetched(tmp_path, Exchange())
    stored = store_days(done, tmp_path, ["1m"])
    with closing(open_store(f"sqlite:///{tmp_path / 'realtime.sqlite'}")) as store:
        candles = store.candles(MARKET, "1m", 0, 2**62)
    assert stored == len(candles) == 2 * 1_440 - 2
    assert all(candle.complete for candle in candles)
    assert all(one.close_time_ms == two.open_time_ms for one, two in pairwise(candles))
    table = read_trades([day.path for day in done.days], symbol="BTC/USDT")
    assert sum(candle.trade_count for candle in candles) == pytest.approx(
        int(table.count.sum()), abs=30
    )
    (tmp_path / "other").mkdir()
    store_files(MARKET, [day.path for day in done.days], tmp_path / "other", ["1m"])
    with closing(open_store(f"sqlite:///{tmp_path / 'other' / 'realtime.sqlite'}")) as store:
        assert store.candles(MARKET, "1m", 0, 2**62) == candles


def test_an_archive_is_held_against_its_sum(tmp_path: Path) -> None:
    archive = tmp_path / "BTCUSDT-aggTrades-2024-08-08.zip"
    text = io.StringIO()
    for n in range(2_000):
        one = row(n)
        csv.writer(text).writerow([*list(one.values())[:6], one["m"], True])
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("BTCUSDT-aggTrades-2024-08-08.csv", text.getvalue())
    beside = tmp_path / f"{archive.name}.CHECKSUM"
    beside.write_text(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n")
    assert check_sums([archive]) == 1
    counts = store_files(MARKET, [archive], tmp_path, ["1m"])
    assert counts["trades"] == 4_000
    assert counts["candles"] > 300
    beside.write_text("0" * 64 + f"  {archive.name}\n")
    with pytest.raises(InputError, match="CHECKSUM"):
        check_sums([archive])


def test_a_trade_of_a_day_file_reads_back_as_it_was(tmp_path: Path) -> None:
    day = DayFile(tmp_path, MARKET, FIRST)
    assert day.begun() is None
    trade = Trade(12, 60_000.1, 0.00012, "sell", day.from_us + 7, 3)
    day.add([trade])
    assert day.begun() == (12, day.from_us + 7)
    day.finish()
    table = read_trades([day.path], symbol="BTC/USDT")
    assert (table.ids.tolist(), table.count.tolist()) == ([12], [3])  # type: ignore[union-attr]
    assert (table.time_us.tolist(), table.taker.tolist()) == ([day.from_us + 7], [-1])


def test_no_whole_day_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exclusive"):
        fetched(tmp_path, Exchange(), end=FIRST)


@pytest.mark.parametrize(
    ("market", "remedy"),
    [("okx:BTC/USDT", "with --archive"), ("okx-swap:BTC/USDT:USDT", r"--from \d{4}-\d\d-\d\d$")],
)
def test_days_that_an_exchange_no_longer_has_are_not_asked_for(
    market: str, remedy: str, tmp_path: Path
) -> None:
    venue = market.partition(":")[0]
    (source,) = sources_of([market], Place(venue, None, None))
    today = datetime.now(UTC).date()
    long_ago = today - timedelta(days=120)
    with pytest.raises(InputError, match=f"{venue} has the trades of its last 90 .* {remedy}"):
        asyncio.run(fetch(source, long_ago, today, tmp_path, lambda _: None))


def test_an_archive_that_counts_in_contracts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTC-USDT-SWAP-trades-2024-08-08.csv"
    path.write_text("trade_id,side,size,price,created_time\n1,buy,2,64000.1,1723046400001\n")
    with pytest.raises(InputError, match="okx-swap counts in contracts"):
        store_files("okx-swap:BTC/USDT:USDT", [path], tmp_path, ("1s",))


def test_an_archive_of_okx_is_read_in_each_of_its_forms(tmp_path: Path) -> None:
    rows = [f"{100 + n},{'buy' if n % 2 else 'sell'},0.5,{64_000 + n}.1,{1723046400001 + n * 500}"
            for n in range(8)]  # fmt: skip
    heads = (
        "trade_id,side,size,price,created_time",
        "trade_id/交易id,side/交易方向,size/数量,price/价格,created_time/成交时间",
    )
    for number, head in enumerate(heads):
        state = tmp_path / str(number)
        state.mkdir()
        path = state / "BTC-USDT-trades-2024-08-08.csv"
        path.write_bytes("\n".join([head, *rows, ""]).encode("gbk"))
        stored = store_files("okx:BTC/USDT", [path], state, ("1s",))
        assert stored["trades"] == 8
        with closing(open_store(f"sqlite:///{state / 'realtime.sqlite'}")) as store:
            candles = store.candles("okx:BTC/USDT", "1s", 0, 2**62)
        whole = next(candle for candle in candles if candle.first_trade_id == 102)
        assert (whole.open, whole.close, whole.volume) == (64_002.1, 64_003.1, 1.0)
        assert whole.taker_buy_volume == 0.5
