from __future__ import annotations

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from exchanges import okx, okx_swap
from exchanges.book import Book
from exchanges.events import (
    Alive,
    BookEvent,
    Event,
    Ignored,
    Levels,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from exchanges.okx.stream import OkxStream
from exchanges.okx_swap.stream import SwapStream
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade

MARKET = "okx:BTC/USDT"
TRADE: dict[str, Any] = {
    "instId": "BTC-USDT",
    "tradeId": "338476308",
    "px": "30243.5",
    "sz": "0.001",
    "side": "buy",
    "ts": "1652459226050",
}


def encode(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def push(channel: str, *rows: dict[str, Any], **more: object) -> bytes:
    arg = {"channel": channel, "instId": "BTC-USDT"}
    return encode({"arg": arg, **more, "data": rows})


def book(bids: list[list[str]], asks: list[list[str]], **more: object) -> dict[str, Any]:
    return {"asks": asks, "bids": bids, "ts": "1749044565306", "seqId": 55, **more}


@pytest.fixture
def stream() -> OkxStream:
    return OkxStream(["BTC/USDT"], levels=10)


def test_a_trade_is_the_fills_of_one_taker_at_one_price(stream: OkxStream) -> None:
    time_us = 1652459226050000
    assert stream.parse(push("trades", TRADE | {"count": "3"})) == TradeEvent(
        MARKET, Trade(338476308, 30243.5, 0.001, "buy", time_us, count=3)
    )
    assert stream.parse(push("trades", TRADE)) == TradeEvent(
        MARKET, Trade(338476308, 30243.5, 0.001, "buy", time_us)
    )


def test_a_frame_may_hold_several_trades_in_their_order(stream: OkxStream) -> None:
    said = stream.parse(push("trades", TRADE, TRADE | {"tradeId": "338476309", "side": "sell"}))
    assert isinstance(said, Several)
    trades = [one.trade for one in said.events if isinstance(one, TradeEvent)]
    assert [(trade.id, trade.taker) for trade in trades] == [
        (338476308, "buy"), (338476309, "sell"),
    ]  # fmt: skip


def test_a_frame_written_in_another_order_says_the_same(stream: OkxStream) -> None:
    frame = push("trades", TRADE)
    reordered = encode(dict(reversed(json.loads(frame).items())))
    spaced = json.dumps(json.loads(frame), indent=1).encode()
    assert stream.parse(frame) == stream.parse(reordered) == stream.parse(spaced)


def test_a_side_without_orders_is_no_quote(stream: OkxStream) -> None:
    assert stream.parse(push("bbo-tbt", book([["99", "1", "0", "1"]], []))) == Ignored(
        "nothing of BTC-USDT"
    )


def test_few_levels_come_whole_and_many_by_their_changes() -> None:
    few, many = OkxStream(["BTC/USDT"], levels=5), OkxStream(["BTC/USDT"], levels=6)
    assert b'"channel":"books5"' in few.subscribe_frames()[0]
    assert b'"channel":"books"' in many.subscribe_frames()[0]
    said = few.parse(push("books5", book([["99", "1", "0", "1"]], [["100", "2", "0", "1"]])))
    assert said == BookEvent(
        MARKET, ((99.0, 1.0),), ((100.0, 2.0),), is_snapshot=True, time_us=1749044565306000, last=55
    )


def test_changes_say_what_they_follow_on_also_where_numbers_begin_again(stream: OkxStream) -> None:
    begin = stream.parse(push("books", book([], [], prevSeqId=-1, seqId=15), action="snapshot"))
    again = stream.parse(push("books", book([], [], prevSeqId=15, seqId=3), action="update"))
    assert isinstance(begin, BookEvent)
    assert isinstance(again, BookEvent)
    assert (begin.is_snapshot, begin.follows, begin.last) == (True, None, 15)
    assert (again.is_snapshot, again.follows, again.last) == (False, 15, 3)


def test_a_checksum_of_nothing_is_none(stream: OkxStream) -> None:
    said = [
        stream.parse(push("books", book([], [], checksum=checksum), action="update"))
        for checksum in (0, -855196043)
    ]
    assert [one.checksum for one in said if isinstance(one, BookEvent)] == [None, -855196043]


def test_pings_are_text_and_so_is_their_answer(stream: OkxStream) -> None:
    assert stream.keepalive == b"ping"
    assert stream.keepalive_s < 30
    assert stream.parse(b"pong") == Alive()


def test_an_announced_end_and_a_refusal_are_noticed(stream: OkxStream) -> None:
    said = stream.parse(okx_notice("notice", "64008"))
    assert isinstance(said, Notice)
    assert said.kind == "shutdown"
    assert stream.parse(okx_notice("error", "60018")) == Notice(
        "refused", "the exchange refused a request: doesn't exist"
    )
    assert stream.parse(okx_notice("notice", "64009")) == Ignored("notice")


def okx_notice(event: str, code: str) -> bytes:
    return encode({"event": event, "code": code, "msg": "doesn't exist", "connId": "a4d3ae55"})


def test_one_request_of_all_channels_is_short_enough() -> None:
    symbols = [f"A{number:019}/{'B' * 20}" for number in range(okx.VENUE.most_symbols)]
    (frame,) = OkxStream(symbols, levels=10).subscribe_frames()
    assert len(frame) < 64_000
    assert len(json.loads(frame)["args"]) == 3 * okx.VENUE.most_symbols


def test_symbols_of_another_kind_of_market_are_refused() -> None:
    with pytest.raises(SettingsError, match="no spot market: write it like BTC/USDT"):
        OkxStream(["BTC/USDT:USDT"])
    for symbol in ("BTC/USDT", "BTC/USD:BTC"):
        with pytest.raises(SettingsError, match="write it like BTC/USDT:USDT"):
            SwapStream([symbol], "okx-swap")


BAD_FRAMES = [
    (b"", "Input data was truncated"),
    (b"ping", "JSON is malformed"),
    (b"null", "Expected `object`, got `null`"),
    (b"{}", "neither channel nor event: {}"),
    (b"[" * 100_000, "Expected `object`, got `array`"),
    (push("trades", TRADE)[:90], "Input data was truncated"),
    (encode({"arg": 7}), "$.arg`, it is 7"),
    (encode({"arg": {"channel": "trades", "instId": "BTC-USDT"}}), "missing required field `data`"),
    (push("trades", TRADE | {"px": "-1"}), "at `$.data[0].px`, it is '-1'"),
    (push("trades", TRADE | {"px": "nan"}), "$.data[0].px`, it is 'nan'"),
    (push("trades", TRADE | {"sz": "0"}), "$.data[0].sz`, it is '0'"),
    (push("trades", TRADE | {"side": "none"}), "Invalid enum value 'none' - at `$.data[0].side`"),
    (push("trades", TRADE | {"ts": "1652459226"}), "$.data[0].ts`, it is '1652459226'"),
    (push("trades", TRADE | {"tradeId": "-1"}), "$.data[0].tradeId`, it is '-1'"),
    (push("trades", TRADE | {"tradeId": str(2**63)}), "$.data[0].tradeId"),
    (push("trades", TRADE | {"count": "0"}), "$.data[0].count`, it is '0'"),
    (push("trades", TRADE | {"tradeId": "1", "count": "3"}), "tradeId=1 is the last of count=3"),
    (push("trades", TRADE | {"instId": "ETH-USDT"}), "its channel carries instId='ETH-USDT'"),
    (
        push("bbo-tbt", book([["102", "2", "0", "1"]], [["101", "3", "0", "1"]])),
        "crossed quote, 102.0 and 101.0",
    ),
    (
        push("bbo-tbt", book([["99", "0", "0", "1"]], [["101", "3", "0", "1"]])),
        "a best price without a size",
    ),
    (push("books", book([["99", "-1", "0", "1"]], []), action="update"), "$.data[0].bids[0][1]"),
    (push("books", book([["99"]], []), action="update"), "at least length 2, got 1"),
    (push("books", book([], []), action="whole"), "Invalid enum value 'whole' - at `$.action`"),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "reason"), BAD_FRAMES)
def test_malformed_frame_says_which_value_is_wrong(
    stream: OkxStream, frame: bytes, reason: str
) -> None:
    with pytest.raises(BadMessage) as caught:
        stream.parse(frame)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 450


@pytest.mark.data
def test_recorded_samples_say_what_they_are(market_data: Path, stream: OkxStream) -> None:
    frames = market_data / "wire" / "frames" / "okx"
    assert stream.parse((frames / "ws_candle.json").read_bytes()) == Ignored("candle1D BTC-USDT")
    other = OkxStream(["BTC/USD"])
    assert other.parse((frames / "ws_trades.json").read_bytes()) == TradeEvent(
        "okx:BTC/USD", Trade(130639474, 42219.9, 0.12060306, "buy", 1630048897897000, count=3)
    )


@pytest.fixture
def recorded(market_data: Path) -> list[bytes]:
    """What the exchange said in a recorded session."""
    packed = (market_data / "wire" / "recordings" / "okx.ws.1.0.gz").read_bytes()
    lines = gzip.decompress(packed).splitlines()
    return [line.partition(b": ")[2] for line in lines if b" <- " not in line and b": " in line]


@pytest.mark.data
def test_a_recorded_session_says_what_was_asked_for_and_nothing_else(
    recorded: list[bytes],
) -> None:
    spot = okx.VENUE.stream(["BTC/USDT"], "okx", levels=10)
    said: defaultdict[str, list[Event]] = defaultdict(list)
    for frame in recorded:
        event = spot.parse(frame)
        kind = f" {event.channel.split()[0]}" if isinstance(event, Ignored) else ""
        said[type(event).__name__ + kind].append(event)
    counts = {kind: len(events) for kind, events in said.items()}
    frames = [json.loads(frame) for frame in recorded]

    def count(channel: str, *, ours: bool) -> int:
        return sum(
            "data" in one
            and one["arg"]["channel"] == channel
            and (one["arg"]["instId"] == "BTC-USDT") == ours
            for one in frames
        )

    tickers = count("tickers", ours=True) + count("tickers", ours=False)
    assert counts == {
        "Notice": sum("event" in one for one in frames),
        "TradeEvent": count("trades", ours=True),
        "BookEvent": count("books", ours=True),
        "Ignored tickers": tickers,
        "Ignored trades": count("trades", ours=False),
        "Ignored books": count("books", ours=False),
    }
    assert counts["TradeEvent"] > 50
    assert counts["BookEvent"] > 50


def checksum(bids: Levels, asks: Levels) -> int:
    """Return what the exchange summed 25 levels up to while it did: bids and asks in turn."""
    texts = [
        text
        for bid, ask in zip(bids[:25], asks[:25], strict=True)
        for number in (*bid, *ask)
        for text in (format(Decimal(repr(number)), "f").removesuffix(".0"),)
    ]
    summed = crc32(":".join(texts).encode())
    return summed - 2**32 if summed >= 2**31 else summed


@pytest.mark.data
def test_a_recorded_book_sums_up_to_what_the_exchange_says(recorded: list[bytes]) -> None:
    spot = okx.VENUE.stream(["BTC/USDT"], "okx", levels=10)
    events = [event for event in map(spot.parse, recorded) if isinstance(event, BookEvent)]
    assert len(events) > 50
    assert all(event.checksum is not None for event in events)
    book = Book(checksum=checksum)
    assert {(book.update(event), book.reason) for event in events} == {("whole", "")}


@pytest.mark.data
def test_recorded_ids_are_consecutive_and_takers_are_on_the_side_of_the_price(
    recorded: list[bytes],
) -> None:
    spot = okx.VENUE.stream(["BTC/USDT"], "okx", levels=10)
    book = Book()
    trades: list[Trade] = []
    on_side = []
    for event in map(spot.parse, recorded):
        if isinstance(event, BookEvent):
            book.update(event)
        elif isinstance(event, TradeEvent):
            trades.append(event.trade)
            best = book.best
            if best is not None:
                is_above = event.trade.price > (best.bid + best.ask) / 2
                on_side.append(is_above == (event.trade.taker == "buy"))
    assert all(two.id - two.count == one.id for one, two in pairwise(trades))
    assert len(on_side) > 50
    assert all(on_side)


@pytest.mark.data
def test_a_recorded_perpetual_settled_in_its_base_is_none_of_ours(recorded: list[bytes]) -> None:
    swap = okx_swap.VENUE.stream(["UNI/USDT:USDT"], "okx-swap", levels=10)
    events = [swap.parse(frame) for frame in recorded]
    assert {type(event) for event in events} == {Ignored, Notice}


def test_quotes_are_those_of_the_best_levels(stream: OkxStream) -> None:
    frame = push("bbo-tbt", book([["99", "1", "0", "2"]], [["100", "2", "0", "1"]]))
    assert stream.parse(frame) == QuoteEvent(MARKET, 99.0, 1.0, 100.0, 2.0, 1749044565306000, 55)
