"""What the server says is what the client takes it for: both go by one wire."""

from __future__ import annotations

import numpy as np

from exchange_simulator import SeededMarket
from exchange_simulator.serving.klines import INTERVALS_US, fold
from exchange_simulator.serving.markets import Market, markets_of
from exchange_simulator.venues.binance.exchange_info import exchange_info
from exchange_simulator.venues.binance.frames import combined
from exchange_simulator.venues.binance.query import ApiError
from exchange_simulator.venues.binance.server import BinanceServer
from exchange_simulator.venues.binance.subscriptions import Subscriptions
from exchanges.binance import wire
from exchanges.catalogue import venue_named
from exchanges.checked import check_trades
from exchanges.events import Notice, QuoteEvent, TradeEvent
from exchanges.venue import HistoricTrade, MarketInfo

VENUE = venue_named("binance")
START_US = 1_700_000_000_000_000
END_US = START_US + 5_000_000


def btc() -> Market:
    tape = SeededMarket("BTC/USDT", 1, trades_per_second=50)
    return markets_of([tape], START_US, wire.wire_symbol)["BTCUSDT"]


def test_frames_of_trades_and_quotes_are_read_back_to_the_digit() -> None:
    market = btc()
    make = BinanceServer.make_frames(market)
    stream = VENUE.stream(["BTC/USDT"], "simulator")
    trades, quotes = (of(START_US, END_US) for of in (market.tape.trades, market.tape.quotes))
    assert len(trades.id) > 100
    ticks, lots = 10**market.tape.price_decimals, 10**market.tape.quantity_decimals
    for microseconds, unit in ((False, 1_000), (True, 1)):
        frames = make.trades(trades, microseconds=microseconds)
        raw = [stream.parse(frame) for frame in frames]
        wrapped = [stream.parse(combined("btcusdt@trade", frame)) for frame in frames]
        assert raw == wrapped
        said = [event.trade for event in raw if isinstance(event, TradeEvent)]
        assert [trade.id for trade in said] == trades.id.tolist()
        assert [trade.price for trade in said] == (trades.price / ticks).tolist()
        assert [trade.quantity for trade in said] == (trades.quantity / lots).tolist()
        assert [trade.time_us for trade in said] == (trades.time_us // unit * unit).tolist()
        assert [trade.taker == "sell" for trade in said] == trades.buyer_is_maker.tolist()
    read = [stream.parse(frame) for frame in make.quotes(quotes)]
    books = [event for event in read if isinstance(event, QuoteEvent)]
    assert [book.bid for book in books] == (quotes.bid / ticks).tolist()
    assert [book.ask_quantity for book in books] == (quotes.ask_quantity / lots).tolist()


def test_rest_answers_are_read_back() -> None:
    market, rest = btc(), VENUE.rest
    make = BinanceServer.make_frames(market)
    trades = market.tape.trades(START_US, END_US)
    page = rest.parse_trades("BTC/USDT", 200, make.rest_trades(trades))
    past = check_trades(page, "BTC/USDT", page_id=None, from_ms=0).trades
    assert all(isinstance(row, HistoricTrade) for row in past)
    assert [row.trade.id for row in past] == trades.id.tolist()
    assert {row.trade.count for row in past} == {1}
    klines = fold(trades, "1s")
    read = rest.parse_klines("BTC/USDT", 200, make.rest_klines(klines))
    assert [kline.trade_count for kline in read] == [kline.trade_count for kline in klines]
    assert sum(kline.trade_count for kline in read) == len(trades.id)
    assert np.all(np.diff([kline.open_time_ms for kline in read]) == 1_000)
    info = rest.parse_market_info("BTC/USDT", 200, exchange_info([market], 1, 6_000))
    assert info == MarketInfo(market.tape.price_decimals, market.tape.quantity_decimals)
    refusal = ApiError(wire.UNKNOWN_SYMBOL, "Invalid symbol.")
    assert wire.UNKNOWN_SYMBOL == -1121
    assert str(wire.UNKNOWN_SYMBOL).encode() in refusal.body


def test_subscriptions_of_the_client_are_what_the_server_subscribes_to() -> None:
    symbols = [f"C{number}/USDT" for number in range(VENUE.most_symbols)]
    stream = VENUE.stream(symbols, "simulator")
    server = Subscriptions()
    answers = [server.handle(frame.decode()) for frame in stream.subscribe_frames()]
    said = [stream.parse(answer.encode()) for answer in answers]
    assert {one.kind for one in said if isinstance(one, Notice)} == {"subscribed"}
    assert all(isinstance(one, Notice) for one in said)
    assert len(server.streams) == wire.MOST_STREAMS
    assert tuple(INTERVALS_US) == wire.INTERVALS
