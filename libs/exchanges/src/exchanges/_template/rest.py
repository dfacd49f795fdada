"""The exchange's REST API: what to ask, and what an answer says."""

from __future__ import annotations

from exchanges._template import wire
from exchanges.answers import check_order, decimals_of, decode_answer, decode_rows
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade


def market_info_request(symbol: str) -> Request:
    """Ask for tick and lot of one symbol."""
    return Request(f"/markets/{wire.wire_symbol(symbol)}", {})


def parse_market_info(symbol: str, status: int, body: bytes) -> MarketInfo:
    """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
    if status == 404:
        raise SettingsError(f"{symbol} is not traded on template: choose another symbol")
    rules = decode_answer(status, body, wire.MarketRules)
    _check_symbol(symbol, rules.symbol)
    try:
        return MarketInfo(decimals_of(rules.tick), decimals_of(rules.lot))
    except (ArithmeticError, TypeError) as error:
        raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error


def server_time_request() -> Request:
    """Ask for the exchange's clock."""
    return Request("/time", {})


def parse_server_time(status: int, body: bytes) -> int:
    """Return the exchange's clock in ms."""
    return decode_answer(status, body, wire.Clock).time_ms


def trades_request(symbol: str, *, page_id: int | None, from_ms: int) -> Request:
    """Ask for a page of trades: from an id on, or the first from a time on."""
    start = {"from_ms": str(from_ms)} if page_id is None else {"from_id": str(page_id)}
    return Request("/trades", {"symbol": wire.wire_symbol(symbol), **start})


def newest_trade_request(symbol: str) -> Request:
    """Ask for the newest trade alone."""
    return Request("/trades", {"symbol": wire.wire_symbol(symbol), "limit": "1"})


def parse_trades(symbol: str, status: int, body: bytes) -> Page:
    """Return trades as rows came; they are paged by their own ids."""
    past = decode_answer(status, body, wire.Past)
    _check_symbol(symbol, past.symbol)
    return decode_rows(past.trades, wire.Row, _trade_of)


def _trade_of(row: wire.Row) -> HistoricTrade:
    time_us = row.time_ms * 1_000
    return HistoricTrade(row.id, Trade(row.id, row.price, row.size, row.side, time_us))


def klines_request(symbol: str, interval: str, *, from_ms: int) -> Request:
    """Ask for a page of candles from a time on."""
    query = {"symbol": wire.wire_symbol(symbol), "interval": interval, "from_ms": str(from_ms)}
    return Request("/candles", query)


def parse_klines(symbol: str, status: int, body: bytes) -> list[Kline]:
    """Return klines in the order of time; what the exchange does not say of them is 0."""
    answer = decode_answer(status, body, wire.Candles)
    _check_symbol(symbol, answer.symbol)
    check_order(symbol, "open time", [candle.open_time_ms for candle in answer.candles])
    return [
        Kline(
            candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
            candle.open_time_ms + answer.interval_ms - 1, "0", candle.trade_count, "0", "0",
        )
        for candle in answer.candles
    ]  # fmt: skip


def _check_symbol(symbol: str, answered: str) -> None:
    if answered != wire.wire_symbol(symbol):
        raise NetworkError(f"asked for {symbol}, the exchange answered for {answered}")
