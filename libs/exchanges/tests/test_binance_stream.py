from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from exchanges.binance import VENUE
from exchanges.binance.stream import BinanceStream
from exchanges.events import BookEvent, Ignored, Notice, QuoteEvent, TradeEvent
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade

MARKET = "binance:BTC/USDT"
TRADE: dict[str, Any] = {
    "e": "trade",
    "E": 1723161255343,
    "s": "BTCUSDT",
    "t": 3735683259,
    "p": "61837.63000000",
    "q": "0.02000000",
    "T": 1723161255342,
    "m": True,
    "M": True,
}
QUOTE: dict[str, Any] = {
    "u": 50093239212,
    "s": "BTCUSDT",
    "b": "61837.63000000",
    "B": "3.78826000",
    "a": "61837.64000000",
    "A": "1.54698000",
}


def encode(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def combined(stream: object, data: object) -> bytes:
    return encode({"stream": stream, "data": data})


@pytest.fixture
def binance() -> BinanceStream:
    return BinanceStream(["BTC/USDT"])


def test_raw_combined_and_reordered_trades_say_the_same(binance: BinanceStream) -> None:
    expected = TradeEvent(MARKET, Trade(3735683259, 61837.63, 0.02, "sell", 1723161255342000))
    reordered = dict(reversed(TRADE.items()))
    frames = [
        encode(TRADE),
        combined("btcusdt@trade", TRADE),
        encode(reordered),
        encode({"data": reordered, "stream": "btcusdt@trade"}),
        json.dumps(TRADE, indent=2).encode(),
        combined("btcusdt@trade", TRADE).replace(b"@trade", b"\\u0040trade"),
    ]
    assert [binance.parse(frame) for frame in frames] == [expected] * len(frames)


def test_raw_combined_and_reordered_quotes_say_the_same(binance: BinanceStream) -> None:
    expected = QuoteEvent(MARKET, 61837.63, 3.78826, 61837.64, 1.54698, order=50093239212)
    reordered = dict(reversed(QUOTE.items()))
    frames = [
        encode(QUOTE),
        combined("btcusdt@bookTicker", QUOTE),
        encode(reordered),
        encode({"data": reordered, "stream": "btcusdt@bookTicker"}),
    ]
    assert [binance.parse(frame) for frame in frames] == [expected] * len(frames)


def test_buyer_who_is_not_the_maker_is_the_taker(binance: BinanceStream) -> None:
    event = binance.parse(encode(TRADE | {"m": False}))
    assert isinstance(event, TradeEvent)
    assert event.trade.taker == "buy"


def test_times_in_microseconds_are_recognised(binance: BinanceStream) -> None:
    event = binance.parse(encode(TRADE | {"T": 1723161255342123}))
    assert isinstance(event, TradeEvent)
    assert event.time_us == 1723161255342123


def test_quote_with_a_time_of_its_own_keeps_it(binance: BinanceStream) -> None:
    event = binance.parse(encode(QUOTE | {"e": "bookTicker", "T": 1723161256313}))
    assert isinstance(event, QuoteEvent)
    assert event.time_us == 1723161256313000


@pytest.mark.parametrize(
    ("frame", "channel"),
    [
        (combined("btcusdt@depth@100ms", {"e": "depthUpdate"}), "btcusdt@depth@100ms"),
        (combined("ethusdt@trade", TRADE | {"s": "ETHUSDT"}), "ethusdt@trade"),
        (encode(TRADE | {"s": "ETHUSDT"}), "ethusdt@trade"),
        (encode(QUOTE | {"s": "ETHUSDT"}), "ethusdt@bookTicker"),
        (encode({"e": "kline", "s": "BTCUSDT", "k": {}}), "btcusdt@kline"),
        (encode({"e": "depthUpdate", "s": "BTCUSDT", "b": [], "a": []}), "btcusdt@depthUpdate"),
        (encode({"lastUpdateId": 160, "bids": [], "asks": []}), "depth snapshot"),
        (encode({"result": ["btcusdt@trade"], "id": 3}), "control"),
        (encode(TRADE | {"X": "NA", "p": "0", "q": "0"}), "btcusdt@trade X=NA"),
        (combined("btcusdt@trade", TRADE | {"X": "NA"}), "btcusdt@trade X=NA"),
        (combined("btcusdt@trade", TRADE | {"X": "ADL"}), "btcusdt@trade X=ADL"),
        (encode(TRADE | {"X": "INSURANCE_FUND"}), "btcusdt@trade X=INSURANCE_FUND"),
        (encode({"p": "0"} | TRADE | {"X": "INSURANCE_FUND"}), "btcusdt@trade X=INSURANCE_FUND"),
    ],
)
def test_frame_nobody_asked_for_is_ignored(
    binance: BinanceStream, frame: bytes, channel: str
) -> None:
    assert binance.parse(frame) == Ignored(channel)


def test_futures_trade_of_the_market_is_a_trade(binance: BinanceStream) -> None:
    assert isinstance(binance.parse(encode(TRADE | {"X": "MARKET"})), TradeEvent)


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


BAD_FRAMES = [
    (b"", "not a frame in JSON"),
    (b"not json", "not a frame in JSON"),
    (encode(TRADE)[:60], "not a frame in JSON"),
    (b'{"stream":"btcusdt@depth@100ms","data":{"e":"dep', "not a frame in JSON"),
    (b"[" * 100_000, "not a frame in JSON"),
    (b'{"a":' * 100_000, "not a frame in JSON"),
    (b'{"e":"trade","x":' + b"[" * 100_000, "not a frame in JSON"),
    (b'{"u":1,"x":' + b"[" * 100_000, "not a frame in JSON"),
    (b'{"stream":"btcusdt@trade","data":' + b"[" * 100_000, "not a frame in JSON"),
    (encode(TRADE).replace(b"BTCUSDT", b"BTC\xff"), "not a frame in JSON"),
    (b"null", "not a frame in JSON: Expected `object`, got `null`"),
    (b"[1,2]", "not a frame in JSON: Expected `object`, got `array`"),
    (b"{}", "e=None: no event type"),
    (encode({"e": 7, "s": "BTCUSDT"}), "e=7: no event type"),
    (encode(TRADE | {"s": 7}), "trade: s=7 is no symbol"),
    (encode(without(TRADE, "s")), "trade: s=None is no symbol"),
    (combined(5, TRADE), "$.stream"),
    (encode({"stream": "btcusdt@trade"}), "Expected `object`, got `null`"),
    (combined("btcusdt@trade", [TRADE]), "Expected `object`, got `array`"),
    (combined("btcusdt@trade", TRADE | {"s": "ETHUSDT"}), "carries e='trade', s='ETHUSDT'"),
    (combined("btcusdt@trade", TRADE | {"e": "aggTrade"}), "carries e='aggTrade', s='BTCUSDT'"),
    (combined("btcusdt@bookTicker", QUOTE | {"s": "ETHUSDT"}), "s='ETHUSDT'"),
    (encode(without(TRADE, "p")), "btcusdt@trade: Object missing required field `p`"),
    (encode(without(TRADE, "t")), "missing required field `t`"),
    (encode(without(TRADE, "m")), "missing required field `m`"),
    (encode(TRADE | {"p": "-1"}), "btcusdt@trade: p='-1': Expected `float` > 0.0"),
    (combined("btcusdt@trade", TRADE | {"p": "-1"}), "btcusdt@trade: p='-1'"),
    (encode(TRADE | {"p": "0.00000000"}), "p='0.00000000'"),
    (encode(TRADE | {"p": "nan"}), "p='nan'"),
    (encode(TRADE | {"p": "Infinity"}), "p='Infinity'"),
    (encode(TRADE | {"p": "1e400"}), "p='1e400'"),
    (encode(TRADE | {"p": "cheap"}), "p='cheap': Expected `float`, got `str`"),
    (encode(TRADE | {"p": None}), "p=None"),
    (encode(TRADE | {"p": True}), "p=True"),
    (encode(TRADE | {"q": "-0.5"}), "q='-0.5'"),
    (encode(TRADE | {"q": {}}), "q={}"),
    (encode(TRADE | {"t": -1}), "t=-1: Expected `int` >= 0"),
    (encode(TRADE | {"t": 2**63}), "t=9223372036854775808"),
    (encode(TRADE | {"t": 1.5}), "t=1.5"),
    (encode(TRADE | {"m": "maybe"}), "m='maybe'"),
    (encode(TRADE | {"T": 123456785}), "T=123456785"),
    (encode(TRADE | {"T": 17231612553420}), "T=17231612553420 is no time in ms nor in µs"),
    (encode(TRADE | {"T": 1723161255342123456}), "T=1723161255342123456"),
    (encode(QUOTE | {"b": "61837.65"}), "crossed quote, b=61837.65, a=61837.64"),
    (encode(QUOTE | {"b": "0.00000000"}), "btcusdt@bookTicker: b='0.00000000'"),
    (encode(QUOTE | {"A": "-1"}), "A='-1'"),
    (combined("btcusdt@bookTicker", without(QUOTE, "a")), "missing required field `a`"),
]


@pytest.mark.parametrize(("frame", "reason"), BAD_FRAMES)
def test_malformed_frame_says_which_value_is_wrong(
    binance: BinanceStream, frame: bytes, reason: str
) -> None:
    with pytest.raises(BadMessage) as caught:
        binance.parse(frame)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


def test_announced_shutdown_and_refused_request_are_noticed(binance: BinanceStream) -> None:
    shutdown = {"e": "serverShutdown", "E": 1770123456789}
    frames = [
        encode(shutdown),
        combined("!serverShutdown", shutdown),
        encode({"code": 2, "msg": "Invalid request: unknown variant"}),
        encode({"error": {"code": 2, "msg": "Invalid request"}, "id": 1}),
    ]
    notices = [binance.parse(frame) for frame in frames]
    assert all(isinstance(notice, Notice) for notice in notices)
    assert [n.kind for n in notices if isinstance(n, Notice)] == ["shutdown"] * 2 + ["refused"] * 2


def test_accepted_subscription_is_noticed(binance: BinanceStream) -> None:
    accepted = binance.parse(encode({"result": None, "id": 1}))
    assert accepted == Notice("subscribed", "the exchange accepted a request")


def test_the_end_of_a_recording_is_told_from_a_shutdown(binance: BinanceStream) -> None:
    ended = {"e": "serverShutdown", "E": 1770123456789, "reason": "recording ended"}
    for frame in (encode(ended), combined("!serverShutdown", ended)):
        assert binance.parse(frame) == Notice("ended", "the recording has ended")


def test_subscription_asks_for_each_stream_once_in_few_messages() -> None:
    symbols = [f"C{number}/USDT" for number in range(512)]
    requests = [msgspec.json.decode(frame) for frame in BinanceStream(symbols).subscribe_frames()]
    assert [request["id"] for request in requests] == [1, 2, 3, 4, 5, 6]
    streams = [stream for request in requests for stream in request["params"]]
    assert len(streams) == len(set(streams)) == 1_024
    assert streams[:2] == ["c0usdt@trade", "c0usdt@bookTicker"]


def test_more_symbols_than_a_connection_carries_are_refused() -> None:
    with pytest.raises(SettingsError, match="513 symbols are too many"):
        BinanceStream([f"C{number}/USDT" for number in range(513)])


def test_url_is_used_as_it_is_and_must_be_a_websocket_url(binance: BinanceStream) -> None:
    url = "wss://stream.binance.com:9443/ws"
    assert binance.stream_url(url) == url
    with pytest.raises(SettingsError, match="EXCHANGE_WS_URL"):
        binance.stream_url("https://api.binance.com")


LEVELS: dict[str, Any] = {
    "lastUpdateId": 160,
    "bids": [["61837.63", "3.78826"], ["61837.62", "0.617"]],
    "asks": [["61837.64", "1.54698"]],
}
CHANGES: dict[str, Any] = {
    "e": "depthUpdate",
    "E": 1723161258209,
    "s": "BTCUSDT",
    "U": 157,
    "u": 160,
    "b": [["61824.00", "0.32726"]],
    "a": [["61840.19", "0.00000000"]],
}


def asked_for(stream: BinanceStream) -> list[tuple[str, Any]]:
    requests = [msgspec.json.decode(frame) for frame in stream.subscribe_frames()]
    assert [request["id"] for request in requests] == list(range(1, len(requests) + 1))
    return [(request["method"], request["params"]) for request in requests]


@pytest.mark.parametrize(
    ("levels", "name"), [(1, "depth5"), (5, "depth5"), (6, "depth10"), (10, "depth10"),
                         (20, "depth20")],
)  # fmt: skip
def test_so_many_levels_are_asked_for_as_there_is_a_stream_of_and_frames_with_names(
    levels: int, name: str
) -> None:
    streams = ["btcusdt@trade", "btcusdt@bookTicker", f"btcusdt@{name}@100ms"]
    stream = BinanceStream(["BTC/USDT"], levels=levels)
    assert asked_for(stream) == [("SET_PROPERTY", ["combined", True]), ("SUBSCRIBE", streams)]


def test_without_levels_frames_are_raw() -> None:
    assert [method for method, _ in asked_for(BinanceStream(["BTC/USDT"]))] == ["SUBSCRIBE"]


def test_with_levels_a_connection_carries_fewer_symbols() -> None:
    symbols = [f"C{number}/USDT" for number in range(342)]
    BinanceStream(symbols[1:], levels=10)
    with pytest.raises(SettingsError, match=r"342 symbols are too many.* carries 341"):
        BinanceStream(symbols, levels=10)


@pytest.mark.parametrize("levels", [-1, 21])
def test_more_levels_than_there_is_a_stream_of_are_refused(levels: int) -> None:
    with pytest.raises(SettingsError, match=f"{levels} levels of a book: choose 0 to 20"):
        BinanceStream(["BTC/USDT"], levels=levels)


def test_best_levels_are_a_snapshot_and_changes_are_numbered() -> None:
    stream = BinanceStream(["ETH/USDT", "BTC/USDT"], levels=20)
    assert stream.parse(combined("btcusdt@depth20@100ms", LEVELS)) == BookEvent(
        MARKET, ((61837.63, 3.78826), (61837.62, 0.617)), ((61837.64, 1.54698),),
        is_snapshot=True, last=160,
    )  # fmt: skip
    reordered = dict(reversed(CHANGES.items()))
    for name in ("depth", "depth@100ms"):
        for fields in (CHANGES, reordered):
            assert stream.parse(combined(f"btcusdt@{name}", fields)) == BookEvent(
                MARKET, ((61824.0, 0.32726),), ((61840.19, 0.0),), is_snapshot=False,
                time_us=1723161258209000, first=157, last=160,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "channel"),
    [
        (encode(CHANGES), "btcusdt@depthUpdate"),
        (combined("btcusdt@depth5@100ms", LEVELS), "btcusdt@depth5@100ms"),
        (combined("ethusdt@depth20@100ms", LEVELS), "ethusdt@depth20@100ms"),
    ],
)
def test_books_nobody_asked_for_are_ignored(frame: bytes, channel: str) -> None:
    assert BinanceStream(["BTC/USDT"], levels=20).parse(frame) == Ignored(channel)


def test_snapshot_among_recorded_changes_is_of_the_one_symbol_that_is_followed() -> None:
    alone = BinanceStream(["BTC/USDT"], levels=20)
    assert alone.parse(encode(LEVELS)) == BookEvent(
        MARKET, ((61837.63, 3.78826), (61837.62, 0.617)), ((61837.64, 1.54698),),
        is_snapshot=True, last=160,
    )  # fmt: skip
    with pytest.raises(BadMessage, match="depth snapshot: bids=None"):
        alone.parse(encode(LEVELS | {"bids": None}))
    several = BinanceStream(["BTC/USDT", "ETH/USDT"], levels=20)
    assert several.parse(encode(LEVELS)) == Ignored("depth snapshot")  # whose, nobody knows
    assert BinanceStream(["BTC/USDT"]).parse(encode(LEVELS)) == Ignored("depth snapshot")


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("depth@100ms", CHANGES | {"s": "ETHUSDT"}, "carries e='depthUpdate', s='ETHUSDT'"),
        ("depth@100ms", CHANGES | {"e": "trade"}, "carries e='trade', s='BTCUSDT'"),
        ("depth@100ms", CHANGES | {"U": 161}, "U=161 is after u=160"),
        ("depth@100ms", CHANGES | {"E": 7}, "E=7: Expected `int` >="),
        ("depth@100ms", CHANGES | {"b": [["61824", "-1"]]}, "Expected `float` >= 0.0"),
        ("depth@100ms", CHANGES | {"a": [["0", "1"]]}, "Expected `float` > 0.0"),
        ("depth@100ms", CHANGES | {"a": [["61824"]]}, "btcusdt@depth@100ms: Expected `array`"),
        ("depth20@100ms", LEVELS | {"bids": None}, "bids=None: Expected `array`"),
        ("depth20@100ms", LEVELS | {"asks": [["nan", "1"]]}, "btcusdt@depth20@100ms"),
        ("depth20@100ms", without(LEVELS, "lastUpdateId"), "required field `lastUpdateId`"),
    ],
)
def test_malformed_book_says_what_is_wrong(name: str, fields: object, reason: str) -> None:
    with pytest.raises(BadMessage) as caught:
        BinanceStream(["BTC/USDT"], levels=20).parse(combined(f"btcusdt@{name}", fields))
    assert reason in str(caught.value)


def test_a_perpetual_is_no_symbol_of_spot_markets() -> None:
    with pytest.raises(SettingsError, match=r"BTC/USDT:USDT is a perpetual.*binance-usdm"):
        BinanceStream(["BTC/USDT:USDT"])


def test_hosts_for_market_data_are_tried_where_a_location_is_refused() -> None:
    hosts = [(host.ws_url, host.rest_url) for host in VENUE.other_hosts]
    url = "wss://data-stream.binance.vision/ws"
    assert hosts == [(url, "https://data-api.binance.vision")]
    assert BinanceStream(["BTC/USDT"]).stream_url(url) == url
