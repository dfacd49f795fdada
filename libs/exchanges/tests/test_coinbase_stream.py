from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.book import Book
from exchanges.checks import check_frame
from exchanges.coinbase.stream import CoinbaseStream
from exchanges.events import Alive, BookEvent, Ignored, Notice, QuoteEvent, TradeEvent
from marketstream.errors import BadMessage
from marketstream.messages import Trade
from marketstream.symbols import market_of

MARKET = "coinbase:BTC/USD"
MATCH: dict[str, Any] = {
    "type": "match",
    "trade_id": 82047307,
    "side": "sell",
    "size": "0.00513192",
    "price": "9314.78",
    "product_id": "BTC-USD",
    "sequence": 12038915443,
    "time": "2020-01-31T20:03:41.158814Z",
}
TICKER: dict[str, Any] = {
    "type": "ticker",
    "sequence": 37475248783,
    "product_id": "BTC-USD",
    "price": "9314.78",
    "best_bid": "9314.77",
    "best_bid_size": "0.46688654",
    "best_ask": "9314.82",
    "best_ask_size": "1.56637040",
    "side": "buy",
    "time": "2020-01-31T20:03:41.158814Z",
    "trade_id": 82047307,
    "last_size": "0.00513192",
}
HEARTBEAT: dict[str, Any] = {
    "type": "heartbeat",
    "sequence": 90,
    "last_trade_id": 20,
    "product_id": "BTC-USD",
    "time": "2014-11-07T08:19:28.464459Z",
}
SNAPSHOT: dict[str, Any] = {
    "type": "snapshot",
    "product_id": "BTC-USD",
    "bids": [["10101.10", "0.45054140"], ["10101.00", "2"]],
    "asks": [["10102.55", "0.57753524"]],
}
CHANGES: dict[str, Any] = {
    "type": "l2update",
    "product_id": "BTC-USD",
    "changes": [["buy", "10101.80", "0.162567"], ["sell", "10102.55", "0.00000000"]],
    "time": "2019-08-14T20:42:27.966Z",
}


def encode(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


@pytest.fixture
def coinbase() -> CoinbaseStream:
    return CoinbaseStream(["BTC/USD"])


def test_the_taker_is_the_other_side_than_the_maker(coinbase: CoinbaseStream) -> None:
    bought = Trade(82047307, 9314.78, 0.00513192, "buy", 1580501021158814)
    assert coinbase.parse(encode(MATCH)) == TradeEvent(MARKET, bought)
    sold = coinbase.parse(encode(MATCH | {"side": "buy"}))
    assert isinstance(sold, TradeEvent)
    assert sold.trade.taker == "sell"


def test_the_last_trade_before_is_a_real_one(coinbase: CoinbaseStream) -> None:
    last = encode(MATCH | {"type": "last_match"})
    assert coinbase.parse(last) == coinbase.parse(encode(MATCH))


@pytest.mark.parametrize("fields", [MATCH, TICKER, HEARTBEAT])
def test_a_frame_is_read_whatever_the_order_of_its_keys(
    coinbase: CoinbaseStream, fields: dict[str, Any]
) -> None:
    event = coinbase.parse(encode(fields))
    assert coinbase.parse(encode(dict(reversed(fields.items())))) == event
    assert coinbase.parse(json.dumps(fields, indent=1).encode()) == event
    assert not isinstance(event, Ignored)
    other = coinbase.parse(encode(fields | {"product_id": "ETH-USD"}))
    assert isinstance(other, Ignored)


def test_a_heartbeat_names_the_newest_trade(coinbase: CoinbaseStream) -> None:
    assert coinbase.parse(encode(HEARTBEAT)) == Alive(MARKET, 20, 1415348368464459)


def test_a_quote_without_quantities_is_left_out(coinbase: CoinbaseStream) -> None:
    assert isinstance(coinbase.parse(encode(TICKER)), QuoteEvent)
    old = {key: value for key, value in TICKER.items() if not key.endswith("_size")}
    assert coinbase.parse(encode(old)) == Ignored("ticker BTC-USD")


def test_books_are_followed_where_levels_are_asked_for(coinbase: CoinbaseStream) -> None:
    assert coinbase.parse(encode(SNAPSHOT)) == Ignored("snapshot")
    assert b"level2_batch" not in coinbase.subscribe_frames()[0]
    followed = CoinbaseStream(["BTC/USD"], levels=10)
    (request,) = followed.subscribe_frames()
    assert json.loads(request)["channels"] == ["matches", "ticker", "heartbeat", "level2_batch"]
    bids, asks = ((10101.1, 0.4505414), (10101.0, 2.0)), ((10102.55, 0.57753524),)
    assert followed.parse(encode(SNAPSHOT)) == BookEvent(MARKET, bids, asks, is_snapshot=True)
    assert followed.parse(encode(CHANGES)) == BookEvent(
        MARKET, ((10101.8, 0.162567),), ((10102.55, 0.0),), is_snapshot=False,
        time_us=1565815347966000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (MATCH | {"price": "0"}, "price"),
        (MATCH | {"size": "NaN"}, "size"),
        (MATCH | {"side": "both"}, "side"),
        (MATCH | {"trade_id": -1}, "trade_id"),
        (MATCH | {"time": "1970-01-01T00:00:00Z"}, "years 2009 to 2099"),
        (TICKER | {"best_bid": "9314.82"}, r"crossed quote, best_bid=9314\.82"),
        (HEARTBEAT | {"last_trade_id": "many"}, "last_trade_id"),
        ({"type": 7}, "type"),
        ([], "array"),
    ],
)
def test_a_frame_that_makes_no_sense_is_a_bad_message(
    coinbase: CoinbaseStream, bad: object, problem: str
) -> None:
    with pytest.raises(BadMessage, match=problem):
        coinbase.parse(encode(bad))


def test_a_refusal_says_what_is_refused(coinbase: CoinbaseStream) -> None:
    refused = coinbase.parse(
        b'{"type":"error","message":"Failed to subscribe","reason":"NO-SUCH is not a product"}'
    )
    text = "the exchange refused a request: Failed to subscribe NO-SUCH is not a product"
    assert refused == Notice("refused", text)


@given(
    st.sampled_from([MATCH, TICKER, HEARTBEAT, SNAPSHOT, CHANGES]),
    st.data(),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.lists(st.lists(st.sampled_from(["buy", "1", "0", "-1", "x"]), max_size=4), max_size=2),
)  # fmt: skip
def test_whatever_a_field_holds_a_frame_is_an_event_or_a_bad_message(
    fields: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    spoilt = fields | {data.draw(st.sampled_from(sorted(fields))): value}
    check_frame(CoinbaseStream(["BTC/USD"], levels=10), encode(spoilt))


def recorded(market_data: Path) -> list[bytes]:
    """Frames of ten thin markets in April 2021."""
    file = market_data / "wire" / "recordings" / "coinbase.ws.28.0.gz"
    lines = gzip.decompress(file.read_bytes()).splitlines()
    return [line.split(b": ", 1)[1] for line in lines if line[:1].isdigit()]


def followed_by(frames: list[bytes]) -> CoinbaseStream:
    products = {json.loads(frame).get("product_id") for frame in frames} - {None}
    return CoinbaseStream([one.replace("-", "/") for one in sorted(products)], levels=10)


@pytest.mark.data
def test_a_recorded_session_is_read_whole(market_data: Path) -> None:
    frames = recorded(market_data)
    stream = followed_by(frames)
    kinds = Counter(type(stream.parse(frame)).__name__ for frame in frames)
    said = Counter(json.loads(frame)["type"] for frame in frames)
    assert kinds == {
        "TradeEvent": said["match"] + said["last_match"],
        "BookEvent": said["snapshot"] + said["l2update"],
        "Ignored": said["ticker"],  # which had no quantities then
        "Notice": said["subscriptions"],
    }
    assert said["match"] > 90


@pytest.mark.data
def test_trade_ids_of_a_recorded_market_leave_none_out(market_data: Path) -> None:
    frames = recorded(market_data)
    events = map(followed_by(frames).parse, frames)
    trades = [(one.market, one.trade.id) for one in events if isinstance(one, TradeEvent)]
    for market in {market for market, _ in trades}:
        ids = [number for name, number in trades if name == market]
        assert all(two in (one, one + 1) for one, two in pairwise(ids)), ids


@pytest.mark.data
def test_the_taker_is_the_one_that_the_exchange_names_beside(market_data: Path) -> None:
    """`ticker` says the taker's side of the same trade, where `match` says the maker's."""
    frames = recorded(market_data)
    tickers = [said for said in map(json.loads, frames) if said["type"] == "ticker"]
    takers = {(one["product_id"], one["trade_id"]): one["side"] for one in tickers}
    stream = followed_by(frames)
    compared = 0
    for frame in frames:
        event = stream.parse(frame)
        if isinstance(event, TradeEvent):
            product = event.market.removeprefix("coinbase:").replace("/", "-")
            taker = takers.get((product, event.trade.id), event.trade.taker)
            assert event.trade.taker == taker
            compared += (product, event.trade.id) in takers
    assert compared > 90


@pytest.mark.data
def test_books_agree_with_the_best_bid_and_ask_that_come_with_trades(market_data: Path) -> None:
    """The first of each market are as of its last trade, which was before the book."""
    frames = recorded(market_data)
    stream = followed_by(frames)
    books: defaultdict[str, Book] = defaultdict(Book)
    seen: set[str] = set()
    compared = 0
    for frame in frames:
        event, said = stream.parse(frame), json.loads(frame)
        if isinstance(event, BookEvent):
            assert books[event.market].update(event) == "whole"
        elif isinstance(event, TradeEvent):
            best = books[event.market].best
            assert best is not None
            price, is_first = event.trade.price, said["type"] == "last_match"
            assert is_first or (
                price > best.bid if event.trade.taker == "buy" else price < best.ask
            )
        elif said["type"] == "ticker":
            market = market_of("coinbase", said["product_id"].replace("-", "/"))
            best = books[market].best
            if market in seen:
                assert best is not None
                assert (best.bid, best.ask) == (float(said["best_bid"]), float(said["best_ask"]))
                compared += 1
            seen.add(market)
    assert compared > 90


@pytest.mark.data
def test_frames_of_the_other_api_are_refused(market_data: Path, coinbase: CoinbaseStream) -> None:
    for file in (market_data / "wire" / "frames" / "coinbase").glob("ws_*.json"):
        with pytest.raises(BadMessage, match="type"):
            coinbase.parse(file.read_bytes())
