"""Kraken spot's REST API: what to ask, and what an answer says.

Errors come with HTTP status 200. https://docs.kraken.com/api/docs/rest-api/get-recent-trades
"""

from __future__ import annotations

import msgspec

from exchanges.answers import check_order, decode_answer, decode_rows
from exchanges.checked import FIRST_MS, LAST_MS
from exchanges.kraken import wire
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade

_FIRST_S, _LAST_S = FIRST_MS // 1_000, LAST_MS // 1_000


def refuses(body: bytes) -> bool:
    """Say whether an answer is that too much was asked."""
    if not body.startswith(b'{"error":["E'):
        return False
    return any(f'"{limited}'.encode() in body[:200] for limited in wire.LIMITED)


def market_info_request(symbol: str) -> Request:
    """Ask for tick and lot of one symbol, `BTC/USD`."""
    return Request("/0/public/AssetPairs", {"pair": wire.rest_symbol(symbol)})


def parse_market_info(symbol: str, status: int, body: bytes) -> MarketInfo:
    """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
    answer = decode_answer(status, body, wire.Answer[dict[str, msgspec.Raw]])
    if wire.UNKNOWN_PAIR in answer.error:
        raise SettingsError(
            f"{symbol} is not traded on kraken: choose another symbol in config.yaml or --symbol"
        )
    pair = decode_answer(200, _of_symbol(symbol, answer), wire.Pair)
    return MarketInfo(pair.pair_decimals, pair.lot_decimals)


def server_time_request() -> Request:
    """Ask for the exchange's clock."""
    return Request("/0/public/Time", {})


def parse_server_time(status: int, body: bytes) -> int:
    """Return the exchange's clock in ms: the middle of the second that it says."""
    answer = decode_answer(status, body, wire.Answer[wire.Clock])
    if answer.result is None:
        raise _refused(answer.error)
    return answer.result.time_s * 1_000 + 500


def trades_request(symbol: str, *, page_id: int | None, from_ms: int) -> Request:  # noqa: ARG001 - by time only
    """Ask for up to `wire.MOST_ROWS` trades, the first from a time on."""
    since_ns = from_ms * 1_000_000 - 1  # trades after it are answered
    query = {"pair": wire.rest_symbol(symbol), "since": str(since_ns), "count": str(wire.MOST_ROWS)}
    return Request("/0/public/Trades", query)


def newest_trade_request(symbol: str) -> Request:
    """Ask for the newest trade alone."""
    return Request("/0/public/Trades", {"pair": wire.rest_symbol(symbol), "count": "1"})


def parse_trades(symbol: str, status: int, body: bytes) -> Page:
    """Return trades as rows came, with their own ids to tell pages apart by."""
    answer = decode_answer(status, body, wire.Answer[dict[str, msgspec.Raw]])
    rows = decode_answer(200, _of_symbol(symbol, answer), list[msgspec.Raw])
    return decode_rows(rows, wire.Row, _trade_of)


def _trade_of(row: wire.Row) -> HistoricTrade:
    if not (row.time_s.is_finite() and _FIRST_S <= row.time_s < _LAST_S):
        raise ValueError(f"{row.time_s:.20} is no time in seconds of the years 2009 to 2099")
    time_us = int(row.time_s * 1_000_000)
    trade = Trade(row.id, row.price, row.quantity, "buy" if row.side == "b" else "sell", time_us)
    return HistoricTrade(row.id, trade)


def klines_request(symbol: str, interval: str, *, from_ms: int) -> Request:
    """Ask for candles from a time on; none is older than the newest `wire.MOST_KLINES`."""
    query = {
        "pair": wire.rest_symbol(symbol),
        "interval": str(wire.MINUTES[interval]),
        "since": str(from_ms // 1_000 - 1),  # candles that open after it are answered
    }
    return Request("/0/public/OHLC", query)


def parse_klines(symbol: str, status: int, body: bytes) -> list[Kline]:
    """Return klines in the order of time; the last one is still open."""
    answer = decode_answer(status, body, wire.Answer[dict[str, msgspec.Raw]])
    candles = decode_answer(200, _of_symbol(symbol, answer), list[wire.Candle])
    check_order(symbol, "open time", [candle.open_time_s for candle in candles])
    return [
        Kline(
            one.open_time_s * 1_000, one.open, one.high, one.low, one.close, one.volume,
            one.open_time_s * 1_000, "0", one.trade_count, "0", "0",
        )
        for one in candles
    ]  # fmt: skip


def _of_symbol(symbol: str, answer: wire.Answer[dict[str, msgspec.Raw]]) -> bytes:
    """Return what an answer says of the symbol; NetworkError where it is of another, or refused."""
    if not answer.result:
        raise _refused(answer.error)
    names = sorted(answer.result.keys() - {"last"})
    if len(names) != 1 or names[0] not in wire.rest_names(symbol):
        raise NetworkError(f"asked for {symbol}, the exchange answered for {names!s:.100}")
    return bytes(answer.result[names[0]])


def _refused(errors: list[str]) -> NetworkError:
    return NetworkError(f"the exchange refused a request: {errors!s:.200}")
