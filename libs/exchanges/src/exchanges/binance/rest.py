"""Binance spot's REST API: what to ask, and what an answer says.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md
"""

from __future__ import annotations

import msgspec

from exchanges.answers import check_order, decimals_of, decode_answer, decode_rows
from exchanges.binance import wire
from exchanges.numbers import Positive
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade


def market_info_request(symbol: str) -> Request:
    """Ask for tick and lot of one symbol, `BTC/USDT`."""
    return Request("/api/v3/exchangeInfo", {"symbol": wire.wire_symbol(symbol)})


def parse_market_info(symbol: str, status: int, body: bytes) -> MarketInfo:
    """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
    if _refusal_code(status, body) == wire.UNKNOWN_SYMBOL:
        raise SettingsError(
            f"{symbol} is not traded on binance: choose another symbol in config.yaml or --symbol"
        )
    info = decode_answer(status, body, wire.ExchangeInfo).symbols[0]
    if info.symbol != wire.wire_symbol(symbol):
        raise NetworkError(f"asked for {symbol}, the exchange answered for {info.symbol}")
    sizes = {rule.get("filterType"): rule for rule in info.filters}
    try:
        return MarketInfo(
            decimals_of(sizes["PRICE_FILTER"]["tickSize"]),
            decimals_of(sizes["LOT_SIZE"]["stepSize"]),
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error


def server_time_request() -> Request:
    """Ask for the exchange's clock."""
    return Request("/api/v3/time", {})


def parse_server_time(status: int, body: bytes) -> int:
    """Return the exchange's clock in ms."""
    return decode_answer(status, body, wire.ServerTime).time_ms


def _refusal_code(status: int, body: bytes) -> int | None:
    if status == 200:
        return None
    try:
        return msgspec.json.decode(body, type=wire.Refusal).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # a proxy's page, say: the status tells enough


def trades_request(symbol: str, *, page_id: int | None, from_ms: int) -> Request:
    """Ask for up to `wire.MOST_ROWS` trades: from a page id on, or the first from a time on.

    Only the first page may go by time: more trades than a page holds can share a millisecond.
    """
    start = {"startTime": str(from_ms)} if page_id is None else {"fromId": str(page_id)}
    query = {"symbol": wire.wire_symbol(symbol), "limit": str(wire.MOST_ROWS), **start}
    return Request("/api/v3/aggTrades", query)


def newest_trade_request(symbol: str) -> Request:
    """Ask for the newest trade alone."""
    return Request("/api/v3/aggTrades", {"symbol": wire.wire_symbol(symbol), "limit": "1"})


def parse_trades(symbol: str, status: int, body: bytes) -> Page:  # noqa: ARG001 - no row has its symbol
    """Return fills of one taker at one price taken together, as rows came."""
    rows = decode_answer(status, body, list[msgspec.Raw])
    return decode_rows(rows, wire.Aggregate[Positive], _trade_of)


def _trade_of(row: wire.Aggregate[float]) -> HistoricTrade:
    if row.first_trade_id > row.last_trade_id:
        raise ValueError(f"f={row.first_trade_id} is after l={row.last_trade_id}")
    trade = Trade(
        id=row.last_trade_id,
        price=row.price,
        quantity=row.quantity,
        taker="sell" if row.buyer_is_maker else "buy",
        time_us=row.time_ms * 1_000,
        count=row.last_trade_id - row.first_trade_id + 1,
    )
    return HistoricTrade(row.id, trade)


def klines_request(symbol: str, interval: str, *, from_ms: int) -> Request:
    """Ask for up to `wire.MOST_ROWS` klines from a time on; weighs 2 of 6,000 a minute."""
    query = {
        "symbol": wire.wire_symbol(symbol),
        "interval": interval,
        "startTime": str(from_ms),
        "limit": str(wire.MOST_ROWS),
    }
    return Request("/api/v3/klines", query)


def parse_klines(symbol: str, status: int, body: bytes) -> list[Kline]:
    """Return klines in the order of time; the last one may still be open."""
    klines = decode_answer(status, body, list[Kline])
    check_order(symbol, "open time", [kline.open_time_ms for kline in klines])
    return klines
