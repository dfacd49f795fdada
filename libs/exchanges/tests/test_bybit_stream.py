from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges import bybit, bybit_linear
from exchanges.bybit.stream import BybitStream
from exchanges.bybit.wire import number_of_uuid
from exchanges.bybit_linear.stream import LinearStream
from exchanges.events import (
    Alive,
    BookEvent,
    Event,
    Ignored,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade

MARKET = "bybit:BTC/USDT"
TRADE: dict[str, Any] = {
    "i": "2290000001211680903",
    "T": 1789875217840,
    "p": "80413.3",
    "v": "0.06",
    "S": "Sell",
    "seq": 114263055846,
    "s": "BTCUSDT",
    "BT": False,
    "RPI": False,
}
UUIDS = st.uuids().map(str)


def encode(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def trades(*rows: dict[str, Any]) -> bytes:
    said = {"topic": "publicTrade.BTCUSDT", "ts": 1789875217841, "type": "snapshot"}
    return encode(said | {"data": rows})


def best(
    kind: str, bids: list[list[str]], asks: list[list[str]], sequence: int = 7, **more: object
) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": 3, "seq": sequence}
    said = {"topic": "orderbook.1.BTCUSDT", "ts": 1789875217841, "type": kind, "data": data}
    return encode(said | more)


@pytest.fixture
def stream() -> BybitStream:
    return BybitStream(["BTC/USDT"], levels=10)


@pytest.fixture
def linear() -> LinearStream:
    return LinearStream(["BTC/USDT:USDT"], "bybit-linear")


def test_a_frame_may_hold_several_trades_in_their_order(stream: BybitStream) -> None:
    newer = TRADE | {"i": "2290000001211680919", "S": "Buy", "p": "80413.4", "v": "0.004904"}
    assert stream.parse(trades(TRADE, newer)) == Several(
        (
            TradeEvent(MARKET, Trade(2290000001211680903, 80413.3, 0.06, "sell", 1789875217840000)),
            TradeEvent(
                MARKET, Trade(2290000001211680919, 80413.4, 0.004904, "buy", 1789875217840000)
            ),
        )
    )


def test_trades_agreed_on_outside_the_book_are_left_out(stream: BybitStream) -> None:
    block = TRADE | {"i": "2290000001211680904", "BT": True}
    assert isinstance(stream.parse(trades(TRADE, block)), TradeEvent)
    assert stream.parse(trades(block)) == Ignored("block trades of BTCUSDT")


def test_a_frame_written_in_another_order_says_the_same(stream: BybitStream) -> None:
    frame = trades(TRADE)
    reordered = encode(dict(reversed(json.loads(frame).items())))
    spaced = json.dumps(json.loads(frame), indent=1).encode()
    assert stream.parse(frame) == stream.parse(reordered) == stream.parse(spaced)


def test_a_change_of_one_side_keeps_the_other(stream: BybitStream) -> None:
    time_us = 1789875217840000

    def said(kind: str, bids: list[list[str]], asks: list[list[str]]) -> Event:
        return stream.parse(best(kind, bids, asks, cts=1789875217840))

    assert said("snapshot", [["99", "2"]], [["101", "3"]]) == QuoteEvent(
        MARKET, 99.0, 2.0, 101.0, 3.0, time_us, 7
    )
    assert said("delta", [["99", "0"], ["100", "4"]], []) == QuoteEvent(
        MARKET, 100.0, 4.0, 101.0, 3.0, time_us, 7
    )
    assert said("delta", [], [["101", "1"]]) == QuoteEvent(
        MARKET, 100.0, 4.0, 101.0, 1.0, time_us, 7
    )


def test_a_side_that_is_gone_is_not_made_up(stream: BybitStream) -> None:
    stream.parse(best("snapshot", [["99", "2"]], [["101", "3"]]))
    gone = stream.parse(best("delta", [["99", "0"]], []))
    assert gone == Ignored("a book without two sides, BTCUSDT")
    assert isinstance(stream.parse(best("delta", [["98", "1"]], [])), QuoteEvent)
    half = stream.parse(best("snapshot", [["98", "1"]], []))
    assert half == Ignored("a book without two sides, BTCUSDT")


def test_quotes_have_the_time_of_the_matching_engine_where_it_is_said(
    stream: BybitStream,
) -> None:
    sides: tuple[list[list[str]], list[list[str]]] = ([["99", "2"]], [["101", "3"]])
    matched = stream.parse(best("snapshot", *sides, cts=1789875217835))
    sent = stream.parse(best("snapshot", *sides))
    assert isinstance(matched, QuoteEvent)
    assert isinstance(sent, QuoteEvent)
    assert (matched.time_us, sent.time_us) == (1789875217835000, 1789875217841000)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}',
        b'{"success":true,"ret_msg":"pong","conn_id":"465772b1","req_id":"","op":"ping"}',
        b'{"args":["1672916271846"],"op":"pong"}',
    ],
)
def test_an_answered_ping_is_a_sign_of_life(stream: BybitStream, frame: bytes) -> None:
    assert stream.parse(frame) == Alive()


def test_a_refusal_says_why(stream: BybitStream) -> None:
    said = stream.parse(b'{"success":false,"ret_msg":"args size >10","op":"subscribe"}')
    assert said == Notice("refused", "the exchange refused a request: args size >10")


def test_a_request_asks_for_ten_topics_at_most() -> None:
    symbols = [f"C{number}/USDT" for number in range(7)]
    args = [
        json.loads(frame)["args"] for frame in BybitStream(symbols, levels=10).subscribe_frames()
    ]
    assert [len(some) for some in args] == [10, 10, 1]
    assert args[0][:3] == ["publicTrade.C0USDT", "orderbook.1.C0USDT", "orderbook.50.C0USDT"]
    deep = BybitStream(["BTC/USDT"], levels=51).subscribe_frames()
    assert b'"orderbook.200.BTCUSDT"' in deep[0]


def test_all_names_of_a_connection_fit_where_symbols_are_long() -> None:
    symbols = [f"A{number:019}/{'B' * 20}" for number in range(bybit.VENUE.most_symbols)]
    frames = BybitStream(symbols, levels=200).subscribe_frames()
    assert sum(len(json.dumps(json.loads(frame)["args"])) for frame in frames) <= 21_000


def test_symbols_of_another_kind_of_market_are_refused() -> None:
    for symbol in ("BTC/USDT:USDT", "BTC/USD:BTC"):
        with pytest.raises(SettingsError, match="no spot market: write it like BTC/USDT"):
            BybitStream([symbol])
    for symbol in ("BTC/USDT", "BTC/USD:BTC"):
        with pytest.raises(SettingsError, match="write it like BTC/USDT:USDT"):
            LinearStream([symbol], "bybit-linear")
    frames = LinearStream(["BTC/USDC:USDC"], "bybit-linear").subscribe_frames()
    assert b'"publicTrade.BTCPERP"' in frames[0]


@given(UUIDS, UUIDS)
def test_a_uuid_is_the_same_number_each_time_and_another_one_is_not(one: str, two: str) -> None:
    assert 0 <= number_of_uuid(one) < 2**63
    assert number_of_uuid(one) == number_of_uuid(one.upper())
    assert (number_of_uuid(one) == number_of_uuid(two)) == (one == two)


BAD_FRAMES = [
    (b"", "Input data was truncated"),
    (b"not json", "JSON is malformed"),
    (b"null", "Expected `object`, got `null`"),
    (b"{}", "neither topic nor answer: {}"),
    (b"[" * 100_000, "Expected `object`, got `array`"),
    (trades(TRADE)[:80], "Input data was truncated"),
    (trades(TRADE).replace(b"Sell", b"\xff\xff"), "publicTrade.BTCUSDT"),
    (b'{"topic":' + b"[" * 100_000, "got `array` - at `$.topic`"),
    (encode({"topic": 7}), "$.topic`, it is 7"),
    (encode({"topic": "publicTrade.BTCUSDT"}), "missing required field `data`"),
    (trades(TRADE | {"p": "-1"}), "Expected `float` > 0.0 - at `$.data[0].p`, it is '-1'"),
    (trades(TRADE | {"p": "nan"}), "$.data[0].p"),
    (trades(TRADE | {"v": "0"}), "$.data[0].v"),
    (trades(TRADE | {"S": "None"}), "Invalid enum value 'None' - at `$.data[0].S`"),
    (trades(TRADE | {"T": 1789875217}), "$.data[0].T`, it is 1789875217"),
    (trades(TRADE | {"s": "ETHUSDT"}), "its topic carries s='ETHUSDT'"),
    (trades(TRADE | {"i": "20f43950-d8dd"}), "$.data[0].i`, it is '20f43950-d8dd'"),
    (trades(TRADE | {"i": "9" * 19}), "$.data[0].i`, it is '9999"),
    (trades(TRADE | {"i": "-1"}), "Expected `int` >= 0 - at `$.data[0].i`, it is '-1'"),
    (best("snapshot", [["102", "2"]], [["101", "3"]]), "crossed quote, b=102.0, a=101.0"),
    (best("snapshot", [["99", "-2"]], [["101", "3"]]), "$.data.b[0][1]"),
    (
        best("snapshot", [["99"]], [["101", "3"]]),
        "Expected `array` of length 2 - at `$.data.b[0]`, it is ['99']",
    ),
    (best("whole", [], []), "Invalid enum value 'whole' - at `$.type`"),
]


@pytest.mark.parametrize(("frame", "reason"), BAD_FRAMES)
def test_malformed_frame_says_which_value_is_wrong(
    stream: BybitStream, frame: bytes, reason: str
) -> None:
    with pytest.raises(BadMessage) as caught:
        stream.parse(frame)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 450


@pytest.mark.parametrize("name", ["not-a-uuid", "z" * 36, "2290000001211680903"])
def test_an_id_that_is_no_uuid_is_refused(linear: LinearStream, name: str) -> None:
    with pytest.raises(BadMessage):
        linear.parse(trades(TRADE | {"i": name}))


def test_trades_of_one_millisecond_stay_in_order_though_their_ids_say_nothing(
    linear: LinearStream,
) -> None:
    rows = [TRADE | {"i": f"{digit}0f43950-d8dd-5b31-9112-a178eb6023af"} for digit in "3142"]
    later = rows[3] | {"T": TRADE["T"] + 1}
    events = [linear.parse(frame) for frame in (trades(*rows[:2]), trades(rows[2]), trades(later))]
    told = [one for event in events for one in getattr(event, "events", (event,))]
    times_us = [one.trade.time_us for one in told if isinstance(one, TradeEvent)]
    assert [time_us - TRADE["T"] * 1_000 for time_us in times_us] == [0, 1, 2, 1_000]


def test_levels_carry_the_number_of_their_update(stream: BybitStream) -> None:
    said = stream.parse(
        b'{"topic":"orderbook.50.BTCUSDT","ts":1789875214036,"type":"delta","data":{"s":"BTCUSDT",'
        b'"b":[],"a":[["80395.9","0.080583"],["80396.7","0"]],"u":275651486,"seq":114263051578}}'
    )
    assert isinstance(said, BookEvent)
    assert (said.first, said.last, said.follows) == (275651486, 275651486, None)


@pytest.mark.data
def test_recorded_frames_say_what_they_are(market_data: Path) -> None:
    frames = market_data / "wire" / "frames" / "bybit"
    linear = bybit_linear.VENUE.stream(["BTC/USDT:USDT"], "bybit-linear")

    def said(name: str) -> Event:
        return linear.parse((frames / name).read_bytes())

    assert said("ws_kline.json") == Ignored("kline.5.BTCUSDT")
    assert said("ws_public_trade.json") == Ignored("trade.linear.BTCUSDT")  # no topic there is
    assert said("ws_subscription_ack.json") == Notice(
        "subscribed", "the exchange accepted a request"
    )
    assert said("ws_subscription_failure.json") == Notice(
        "refused", "the exchange refused a request: Invalid topic: invalid.topic.BTCUSDT"
    )
    frame = (frames / "ws_public_trade.json").read_bytes()
    asked = linear.parse(frame.replace(b"trade.linear.BTCUSDT", b"publicTrade.BTCUSDT"))
    uuid = number_of_uuid("9dc75fca-4bdd-4773-9f78-6f5d7ab2a110")
    trade = Trade(uuid, 27451.0, 0.01, "buy", 1709891679000000)
    assert asked == TradeEvent("bybit-linear:BTC/USDT:USDT", trade)


def test_a_frame_that_names_a_field_twice_is_a_bad_one_as_others() -> None:
    frame = (
        b'{"topic":"orderbook.1.BTCUSDT","ts":1735689653902,"type":"snapshot","data":{"s":"BTCUSDT",'
        b'"b":[["1.0","2.0"]],"a":[["3.0","x"],["4.0","x"]],"a":[["3.0","1.0"]]}}'
    )
    with pytest.raises(BadMessage):
        BybitStream(["BTC/USDT"]).parse(frame)
