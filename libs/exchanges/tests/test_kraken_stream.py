from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exchanges.book import Book
from exchanges.checks import check_frame
from exchanges.checksums import kraken_checksum
from exchanges.events import Alive, BookEvent, Ignored, Notice, QuoteEvent, Several, TradeEvent
from exchanges.kraken.stream import KrakenStream
from marketstream.errors import BadMessage
from marketstream.messages import Trade

MARKET = "kraken:BTC/USD"
TRADE: dict[str, Any] = {
    "symbol": "BTC/USD",
    "side": "sell",
    "price": 105910.5,
    "qty": 0.0001246,
    "ord_type": "market",
    "trade_id": 10218209,
    "timestamp": "2023-10-06T17:35:56.123456Z",
}
MEANS = TradeEvent(MARKET, Trade(10218209, 105910.5, 0.0001246, "sell", 1696613756123456))
QUOTE: dict[str, Any] = {
    "symbol": "BTC/USD",
    "bid": 105910.4,
    "bid_qty": 7.5,
    "ask": 105910.5,
    "ask_qty": 1.4,
    "last": 105910.5,
    "timestamp": "2023-10-06T17:35:56.200001Z",
}
BOOK: dict[str, Any] = {
    "symbol": "BTC/USD",
    "bids": [{"price": 0.5666, "qty": 4831.75496356}, {"price": 0.5665, "qty": 6658.22734739}],
    "asks": [{"price": 0.5668, "qty": 4410.79769741}],
    "checksum": 2439117997,
}


def frame(channel: str, *data: dict[str, Any], kind: str = "update") -> bytes:
    fields = {"channel": channel, "type": kind, "data": data}
    return json.dumps(fields, separators=(",", ":")).encode()


@pytest.fixture
def kraken() -> KrakenStream:
    return KrakenStream(["BTC/USD"])


def test_a_frame_is_read_whatever_the_order_of_its_keys(kraken: KrakenStream) -> None:
    reordered = {"data": [dict(reversed(TRADE.items()))], "type": "update", "channel": "trade"}
    frames = [
        frame("trade", TRADE),
        json.dumps(reordered).encode(),
        json.dumps({"channel": "trade", "type": "update", "data": [TRADE]}, indent=2).encode(),
        frame("trade", TRADE).replace(b'"trade"', b'"tr\\u0061de"', 1),
    ]
    assert [kraken.parse(one) for one in frames] == [MEANS] * len(frames)


def test_trades_before_the_first_are_real_ones_and_come_in_the_order_of_their_ids(
    kraken: KrakenStream,
) -> None:
    rows = [TRADE | {"trade_id": number} for number in (12, 11, 10)]
    event = kraken.parse(frame("trade", *rows, kind="snapshot"))
    assert isinstance(event, Several)
    assert all(isinstance(one, TradeEvent) for one in event.events)
    assert [one.trade.id for one in event.events if isinstance(one, TradeEvent)] == [10, 11, 12]


def test_of_several_trades_those_of_other_markets_are_left_out(kraken: KrakenStream) -> None:
    other = TRADE | {"symbol": "ETH/USD"}
    assert kraken.parse(frame("trade", other, TRADE, other)) == MEANS
    assert kraken.parse(frame("trade", other)) == Ignored("trade")
    assert kraken.parse(frame("trade", kind="snapshot")) == Ignored("trade")


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("2023-10-06T17:35:56Z", 1696613756000000),
        ("2023-10-06T17:35:56.123456000Z", 1696613756123456),
        ("2023-10-06T19:35:56.123456+02:00", 1696613756123456),
    ],
)
def test_times_are_read_to_the_microsecond(kraken: KrakenStream, text: str, time_us: int) -> None:
    event = kraken.parse(frame("trade", TRADE | {"timestamp": text}))
    assert isinstance(event, TradeEvent)
    assert event.time_us == time_us


def test_a_quote_of_before_there_were_times_has_none(kraken: KrakenStream) -> None:
    event = kraken.parse(frame("ticker", QUOTE, kind="snapshot"))
    assert event == QuoteEvent(MARKET, 105910.4, 7.5, 105910.5, 1.4, 1696613756200001)
    without = {key: value for key, value in QUOTE.items() if key != "timestamp"}
    event = kraken.parse(frame("ticker", without))
    assert event == QuoteEvent(MARKET, 105910.4, 7.5, 105910.5, 1.4)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (frame("ticker", QUOTE | {"bid": 105910.5}), "crossed quote, bid=105910.5"),
        (frame("trade", TRADE | {"price": 0}), "price"),
        (frame("trade", TRADE | {"qty": -1}), "qty"),
        (frame("trade", TRADE | {"side": "both"}), "side"),
        (frame("trade", TRADE | {"trade_id": -1}), "trade_id"),
        (frame("trade", TRADE | {"timestamp": "2023-10-06T17:35:56"}), "timezone"),
        (frame("trade", TRADE | {"timestamp": "2999-10-06T17:35:56Z"}), "years 2009 to 2099"),
        (b'{"channel":"trade","type":"update"}', "data"),
        (b'{"event":"heartbeat"}', "neither channel nor method"),
        (b'[993,[["354.1","0.9","1618678142.5","s","l",""]],"trade","XMR/USD"]', "array"),
        (b"\xff", "malformed"),
        (b'{"data":' + b"[" * 100_000, "recursion"),
    ],
)
def test_a_frame_that_makes_no_sense_is_a_bad_message(
    kraken: KrakenStream, bad: bytes, problem: str
) -> None:
    with pytest.raises(BadMessage, match=problem):
        kraken.parse(bad)


def test_books_are_followed_where_levels_are_asked_for(kraken: KrakenStream) -> None:
    snapshot = frame("book", BOOK, kind="snapshot")
    change = frame("book", BOOK | {"bids": [], "timestamp": "2023-10-06T17:35:55.440295Z"})
    gone = frame("book", BOOK | {"bids": [{"price": 0.5, "qty": 0}], "asks": []})
    assert kraken.parse(snapshot) == Ignored("book")
    followed = KrakenStream(["BTC/USD"], levels=10)
    bids = ((0.5666, 4831.75496356), (0.5665, 6658.22734739))
    asks = ((0.5668, 4410.79769741),)
    assert followed.parse(snapshot) == BookEvent(
        MARKET, bids, asks, is_snapshot=True, checksum=2439117997
    )
    assert followed.parse(change) == BookEvent(
        MARKET, (), asks, is_snapshot=False, time_us=1696613755440295, checksum=2439117997
    )
    assert followed.parse(gone) == BookEvent(
        MARKET, ((0.5, 0.0),), (), is_snapshot=False, checksum=2439117997
    )


@pytest.mark.parametrize(("levels", "depth"), [(1, 10), (10, 10), (11, 25), (1_000, 1_000)])
def test_a_book_is_as_deep_as_it_has_to_be(levels: int, depth: int) -> None:
    frames = KrakenStream(["BTC/USD"], levels=levels).subscribe_frames()
    assert [json.loads(one)["params"].get("depth") for one in frames] == [None, None, depth]


def test_many_symbols_are_subscribed_to_in_several_requests() -> None:
    symbols = [f"C{number}/USD" for number in range(150)]
    requests = [json.loads(one) for one in KrakenStream(symbols).subscribe_frames()]
    assert [len(one["params"]["symbol"]) for one in requests] == [100, 50, 100, 50]
    assert [one["req_id"] for one in requests] == [1, 2, 3, 4]
    assert requests[0]["params"]["snapshot"] is True
    assert requests[2]["params"]["event_trigger"] == "bbo"


def test_signs_of_life_and_notices_are_told_apart(kraken: KrakenStream) -> None:
    assert kraken.parse(b'{"channel":"heartbeat"}') == Alive()
    assert kraken.parse(frame("status", {"system": "maintenance"})) == Ignored("status maintenance")
    refused = kraken.parse(
        b'{"error":"Currency pair not supported NO/SUCH","method":"subscribe","success":false}'
    )
    assert isinstance(refused, Notice)
    assert refused.kind == "refused"
    assert "NO/SUCH" in refused.text


@given(
    st.sampled_from([("trade", TRADE), ("ticker", QUOTE), ("book", BOOK)]),
    st.data(),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.lists(st.dictionaries(st.sampled_from(["price", "qty"]), st.floats()), max_size=2),
)  # fmt: skip
def test_whatever_a_row_holds_a_frame_is_an_event_or_a_bad_message(
    said: tuple[str, dict[str, Any]], data: st.DataObject, value: Any
) -> None:
    channel, row = said
    spoilt = row | {data.draw(st.sampled_from(sorted(row))): value}
    check_frame(KrakenStream(["BTC/USD"], levels=10), frame(channel, row, spoilt))


@pytest.mark.data
def test_recorded_frames_say_what_they_hold(market_data: Path, kraken: KrakenStream) -> None:
    folder = market_data / "wire" / "frames" / "kraken"
    two = kraken.parse((folder / "ws_trade_update.json").read_bytes())
    first = Trade(10218208, 105944.2, 0.00027625, "buy", 1696613755440295)
    assert two == Several((TradeEvent(MARKET, first), MEANS))
    answer = kraken.parse((folder / "ws_subscribe_response.json").read_bytes())
    assert answer == Notice("subscribed", "the exchange accepted a request")
    candle = kraken.parse((folder / "ws_ohlc_update.json").read_bytes())
    assert candle == Ignored("ohlc")


@pytest.mark.data
def test_sessions_of_the_first_version_are_refused_frame_by_frame(market_data: Path) -> None:
    stream = KrakenStream(["XMR/USD"])
    for number in (48, 49, 50):
        file = market_data / "wire" / "recordings" / f"kraken.ws.{number}.0.gz"
        frames = _received(file)
        assert len(frames) > 40
        for one in frames:
            with pytest.raises(BadMessage):
                stream.parse(one.encode())


@pytest.mark.data
def test_recorded_books_sum_up_to_the_checksums_of_the_exchange(market_data: Path) -> None:
    """Books of the first version, said as the second one does; the sums are the exchange's."""
    books: dict[str, Book] = {}
    compared = 0
    for received in _received(market_data / "wire" / "recordings" / "kraken.ws.50.0.gz"):
        said = json.loads(received)
        if not isinstance(said, list):
            continue
        symbol, parts = said[-1], {key: value for one in said[1:-2] for key, value in one.items()}
        if "as" in parts:
            price, quantity = (len(text.split(".")[1]) for text in parts["as"][0][:2])
            rule = partial(kraken_checksum, price_decimals=price, quantity_decimals=quantity)
            books[symbol] = Book("window", most=1_000, checksum=rule)
        event = KrakenStream([symbol], levels=1_000).parse(_of_version_two(symbol, parts))
        assert isinstance(event, BookEvent)
        if "c" not in parts:  # in the first version snapshots have none
            event = replace(event, checksum=None)
        assert books[symbol].update(event) == "whole", books[symbol].reason
        compared += "c" in parts
    assert compared > 4_000


def _received(file: Path) -> list[str]:
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    return [line.split(": ", 1)[1] for line in lines if line[:1].isdigit()]


def _of_version_two(symbol: str, parts: dict[str, Any]) -> bytes:
    kind, names = ("snapshot", ("bs", "as")) if "as" in parts else ("update", ("b", "a"))
    bids, asks = (
        ",".join(f'{{"price":{row[0]},"qty":{row[1]}}}' for row in parts.get(name, ()))
        for name in names
    )
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{bids}],'
        f'"asks":[{asks}],"checksum":{parts.get("c", 0)}}}]}}'
    ).encode()
