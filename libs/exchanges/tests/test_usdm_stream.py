from __future__ import annotations

import gzip
import json
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from exchanges.binance_usdm import VENUE
from exchanges.binance_usdm.stream import UsdmStream
from exchanges.events import BookEvent, Ignored, QuoteEvent, TradeEvent
from marketstream.errors import SettingsError
from marketstream.messages import Trade

MARKET = "binance-usdm:BTC/USDT:USDT"
TRADE = {
    "e": "trade", "E": 1723161256322, "T": 1723161256321, "s": "BTCUSDT", "t": 5266583935,
    "p": "61800.30", "q": "0.006", "X": "MARKET", "m": False,
}  # fmt: skip
QUOTE = {
    "e": "bookTicker", "u": 5123107839020, "s": "BTCUSDT", "b": "61800.20", "B": "2.507",
    "a": "61800.30", "A": "2.510", "T": 1723161256313, "E": 1723161256315,
}  # fmt: skip
DEPTH = {
    "e": "depthUpdate", "E": 1723161260946, "T": 1723161260945, "s": "BTCUSDT", "U": 41, "u": 44,
    "pu": 39, "b": [["61763.00", "0.281"]], "a": [["61809.50", "0.000"]],
}  # fmt: skip


def encode(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def combined(stream: str, data: object) -> bytes:
    return encode({"stream": stream, "data": data})


@pytest.fixture
def usdm() -> UsdmStream:
    return UsdmStream(["BTC/USDT:USDT"], levels=5)


def test_trades_and_quotes_are_of_the_time_they_were_true(usdm: UsdmStream) -> None:
    trade = TradeEvent(MARKET, Trade(5266583935, 61800.3, 0.006, "buy", 1723161256321000))
    quote = QuoteEvent(MARKET, 61800.2, 2.507, 61800.3, 2.51, 1723161256313000, 5123107839020)
    for fields, name, event in ((TRADE, "trade", trade), (QUOTE, "bookTicker", quote)):
        reordered = dict(reversed(fields.items()))
        assert usdm.parse(encode(fields)) == event
        assert usdm.parse(encode(reordered)) == event
        assert usdm.parse(combined(f"btcusdt@{name}", fields)) == event


def test_one_form_of_frames_is_the_best_levels_or_changes_by_the_name_of_its_stream(
    usdm: UsdmStream,
) -> None:
    levels, changes = ((61763.0, 0.281),), ((61809.5, 0.0),)
    assert usdm.parse(combined("btcusdt@depth5@100ms", DEPTH)) == BookEvent(
        MARKET, levels, changes, is_snapshot=True, time_us=1723161260945000, last=44
    )
    for name in ("depth", "depth@0ms", "depth@100ms", "depth@500ms"):
        assert usdm.parse(combined(f"btcusdt@{name}", DEPTH)) == BookEvent(
            MARKET, levels, changes, is_snapshot=False, time_us=1723161260945000, first=41,
            last=44, follows=39,
        )  # fmt: skip
    assert usdm.parse(encode(DEPTH)) == Ignored("btcusdt@depthUpdate")


@pytest.mark.parametrize("execution", ["NA", "INSURANCE_FUND", "ADL"])
def test_prints_beside_the_market_are_no_trades(usdm: UsdmStream, execution: str) -> None:
    for price in ("0", "61800.30"):
        fields = TRADE | {"X": execution, "p": price, "q": "0"}
        assert usdm.parse(encode(fields)) == Ignored(f"btcusdt@trade X={execution}")
        assert usdm.parse(combined("btcusdt@trade", fields)) == Ignored(
            f"btcusdt@trade X={execution}"
        )


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:BTC", "BTC/USD:BTC"])
def test_what_is_no_perpetual_of_it_is_refused_with_what_to_write(symbol: str) -> None:
    for ask in (lambda: UsdmStream([symbol]), lambda: VENUE.rest.newest_trade_request(symbol)):
        with pytest.raises(SettingsError, match=f"{symbol} is no perpetual.*write it like"):
            ask()


def test_streams_are_asked_for_on_the_route_that_has_them() -> None:
    stream = UsdmStream(["BTC/USDT:USDT", "ETH/USDC:USDC"])
    [request] = [msgspec.json.decode(frame) for frame in stream.subscribe_frames()]
    assert request["params"] == [
        "btcusdt@trade", "btcusdt@bookTicker", "ethusdc@trade", "ethusdc@bookTicker",
    ]  # fmt: skip
    assert VENUE.ws_url == "wss://fstream.binance.com/public/ws"


def test_rest_is_asked_below_its_own_path() -> None:
    rest, symbol = VENUE.rest, "BTC/USDT:USDT"
    assert rest.trades_request(symbol, page_id=7, from_ms=0) == (
        "/fapi/v1/aggTrades", {"symbol": "BTCUSDT", "limit": "1000", "fromId": "7"},
    )  # fmt: skip
    assert rest.klines_request(symbol, "1m", from_ms=7).path == "/fapi/v1/klines"
    assert rest.server_time_request() == ("/fapi/v1/time", {})
    assert rest.market_info_request(symbol) == ("/fapi/v1/exchangeInfo", {})
    assert VENUE.book is not None
    assert VENUE.book.book_request(symbol) == (
        "/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "1000"},
    )  # fmt: skip


@pytest.mark.data
def test_recorded_session_is_read_whole_and_its_takers_are_on_the_right_side(
    market_data: Path,
) -> None:
    stream = UsdmStream(["BTC/USDT:USDT"], levels=20)
    counts: Counter[str] = Counter()
    trades: list[Trade] = []
    quotes: list[QuoteEvent] = []
    path = market_data / "trades/binance-usdm-BTCUSDT-20240808.frames.gz"
    with gzip.open(path) as lines:
        for line in lines:
            event = stream.parse(line.partition(b" ")[2])
            counts[type(event).__name__] += 1
            if isinstance(event, QuoteEvent):
                quotes.append(event)
            elif isinstance(event, TradeEvent):
                trades.append(event.trade)
    # The first of the book is the snapshot of REST.
    assert counts == {"QuoteEvent": 66_089, "TradeEvent": 21_313, "BookEvent": 6_552}
    first = trades[0].id
    assert [trade.id for trade in trades] == list(range(first, first + len(trades)))

    times = [quote.time_us or 0 for quote in quotes]
    sides: Counter[str] = Counter()
    for trade in trades:
        before = bisect_left(times, trade.time_us) - 1
        if before >= 0:
            mid = (quotes[before].bid + quotes[before].ask) / 2
            sides[trade.taker] += 1
            sides["right"] += (trade.price > mid) == (trade.taker == "buy")
    assert min(sides["buy"], sides["sell"]) > 5_000
    assert sides["right"] > 0.97 * (sides["buy"] + sides["sell"])
