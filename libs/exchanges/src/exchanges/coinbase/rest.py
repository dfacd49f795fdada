"""Coinbase Exchange's REST API: what to ask, and what an answer says.

Pages of trades are counted back from an id, the newest first, and never begin at a time.
https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-trades
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from exchanges.answers import check_order, decimals_of, decode_answer, decode_rows
from exchanges.coinbase import wire
from exchanges.numbers import Positive
from exchanges.times import us_of
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade


def market_info_request(symbol: str) -> Request:
    """Ask for tick and lot of one symbol, `BTC/USD`."""
    return Request(f"/products/{wire.product_of(symbol)}", {})


def parse_market_info(symbol: str, status: int, body: bytes) -> MarketInfo:
    """Return tick and lot; raises SettingsError where the symbol is not traded, or no more."""
    if status == 404:
        raise _not_traded(symbol)
    product = decode_answer(status, body, wire.Product)
    if product.id != wire.product_of(symbol):
        raise NetworkError(f"asked for {symbol}, the exchange answered for {product.id:.50}")
    if product.status == wire.DELISTED:
        raise _not_traded(symbol)
    try:
        return MarketInfo(decimals_of(product.tick), decimals_of(product.lot))
    except (ArithmeticError, TypeError) as error:
        raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error


def _not_traded(symbol: str) -> SettingsError:
    return SettingsError(
        f"{symbol} is not traded on coinbase: choose another symbol in config.yaml or --symbol"
    )


def server_time_request() -> Request:
    """Ask for the exchange's clock."""
    return Request("/time", {})


def parse_server_time(status: int, body: bytes) -> int:
    """Return the exchange's clock in ms."""
    clock = decode_answer(status, body, wire.Clock)
    try:
        return us_of(clock.time) // 1_000
    except ValueError as error:
        raise NetworkError(f"unexpected answer: {error}") from error


def trades_request(symbol: str, *, page_id: int | None, from_ms: int) -> Request:  # noqa: ARG001 - by id only
    """Ask for the `wire.MOST_ROWS` trades from an id on, or for the newest ones.

    Where there are fewer, those before the id fill the page.
    """
    query = {"limit": str(wire.MOST_ROWS)}
    if page_id is not None:
        query["after"] = str(page_id + wire.MOST_ROWS)  # older than that
    return Request(f"/products/{wire.product_of(symbol)}/trades", query)


def newest_trade_request(symbol: str) -> Request:
    """Ask for the newest trade alone."""
    return Request(f"/products/{wire.product_of(symbol)}/trades", {"limit": "1"})


def parse_trades(symbol: str, status: int, body: bytes) -> Page:  # noqa: ARG001 - no row has its symbol
    """Return trades as rows came; they are paged by their own ids."""
    rows = decode_answer(status, body, list[msgspec.Raw])
    return decode_rows(rows, wire.Row[Positive], _trade_of)


def _trade_of(row: wire.Row[float]) -> HistoricTrade:
    taker = wire.TAKER[row.side]
    return HistoricTrade(row.id, Trade(row.id, row.price, row.quantity, taker, us_of(row.time)))


def klines_request(symbol: str, interval: str, *, from_ms: int) -> Request:
    """Ask for up to `wire.MOST_KLINES` candles from a time on."""
    length_s = wire.SECONDS[interval]
    from_s = from_ms // 1_000
    query = {
        "granularity": str(length_s),
        "start": _iso(from_s),
        "end": _iso(from_s + (wire.MOST_KLINES - 1) * length_s),
    }
    return Request(f"/products/{wire.product_of(symbol)}/candles", query)


def parse_klines(symbol: str, status: int, body: bytes) -> list[Kline]:  # rows have no symbol
    """Return klines in the order of time; there are none of intervals without a trade."""
    candles = decode_answer(status, body, list[wire.Candle])[::-1]
    check_order(symbol, "open time", [candle.open_time_s for candle in candles])
    return [
        Kline(
            one.open_time_s * 1_000, _text(one.open), _text(one.high), _text(one.low),
            _text(one.close), _text(one.volume), one.open_time_s * 1_000,
            "0", 0, "0", "0",
        )
        for one in candles
    ]  # fmt: skip


def _text(number: float) -> str:
    return format(Decimal(repr(number)), "f")


def _iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
