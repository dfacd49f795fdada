"""Binance spot's REST API: what to ask, and what an answer says.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, NamedTuple

import msgspec

from exchanges.numbers import Positive
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade

MOST_TRADES = 1_000
MOST_KLINES = 1_000
KLINE_INTERVALS = frozenset(
    ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
)
_UNKNOWN_SYMBOL = -1121


class Request(NamedTuple):
    """A GET request: path below the base URL, and query."""

    path: str
    query: dict[str, str]


class MarketInfo(NamedTuple):
    """Tick and lot of a market, as the number of their decimals."""

    price_decimals: int
    quantity_decimals: int


class HistoricTrade(NamedTuple):
    """A trade of the past and the id to page by, which is not the trade's own."""

    page_id: int
    trade: Trade


class _Aggregate(msgspec.Struct):
    id: int = msgspec.field(name="a")
    price: Positive = msgspec.field(name="p")
    quantity: Positive = msgspec.field(name="q")
    first_trade_id: int = msgspec.field(name="f")
    last_trade_id: int = msgspec.field(name="l")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _Symbol(msgspec.Struct):
    symbol: str
    filters: list[dict[str, Any]]


class _ExchangeInfo(msgspec.Struct):
    symbols: Annotated[list[_Symbol], msgspec.Meta(min_length=1, max_length=1)]


class _ServerTime(msgspec.Struct):
    time_ms: int = msgspec.field(name="serverTime")


class _Refusal(msgspec.Struct):
    code: int
    message: str = msgspec.field(name="msg")


def market_info_request(symbol: str) -> Request:
    """Ask for tick and lot of one symbol, `BTC/USDT`."""
    return Request("/api/v3/exchangeInfo", {"symbol": symbol.replace("/", "")})


def parse_market_info(symbol: str, status: int, body: bytes) -> MarketInfo:
    """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
    if _refusal_code(status, body) == _UNKNOWN_SYMBOL:
        raise SettingsError(
            f"{symbol} is not traded on binance: choose another symbol in config.yaml or --symbol"
        )
    info = _parse(status, body, _ExchangeInfo).symbols[0]
    if info.symbol != symbol.replace("/", ""):
        raise NetworkError(f"asked for {symbol}, the exchange answered for {info.symbol}")
    sizes = {rule.get("filterType"): rule for rule in info.filters}
    try:
        return MarketInfo(
            _decimals(sizes["PRICE_FILTER"]["tickSize"]), _decimals(sizes["LOT_SIZE"]["stepSize"])
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error


def server_time_request() -> Request:
    """Ask for the exchange's clock."""
    return Request("/api/v3/time", {})


def parse_server_time(status: int, body: bytes) -> int:
    """Return the exchange's clock in ms."""
    return _parse(status, body, _ServerTime).time_ms


def _parse[T](status: int, body: bytes, shape: type[T]) -> T:
    if status != 200:
        raise NetworkError(f"the exchange answered HTTP {status}: {_shortened(body)}")
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NetworkError(f"unexpected answer ({error}): {_shortened(body)}") from error


def _refusal_code(status: int, body: bytes) -> int | None:
    if status == 200:
        return None
    try:
        return msgspec.json.decode(body, type=_Refusal).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # a proxy's page, say: the status tells enough


def _decimals(step: str) -> int:
    """Return the decimals of a step such as 0.01000000: 2."""
    exponent = Decimal(step).normalize().as_tuple().exponent
    if not isinstance(exponent, int):
        raise TypeError(f"{step!r} is no step")
    return max(0, -exponent)


def _shortened(body: bytes) -> str:
    return repr(body[:200].decode(errors="replace"))


def trades_request(symbol: str, *, page_id: int | None, from_ms: int) -> Request:
    """Ask for up to `MOST_TRADES` trades: from a page id on, or the first from a time on.

    Only the first page may go by time: more trades than a page holds can share a millisecond.
    """
    start = {"startTime": str(from_ms)} if page_id is None else {"fromId": str(page_id)}
    query = {"symbol": symbol.replace("/", ""), "limit": str(MOST_TRADES), **start}
    return Request("/api/v3/aggTrades", query)


def parse_trades(status: int, body: bytes) -> list[HistoricTrade]:
    """Return trades in the order of their ids, fills of one taker at one price taken together."""
    return [
        HistoricTrade(
            aggregate.id,
            Trade(
                id=aggregate.last_trade_id,
                price=aggregate.price,
                quantity=aggregate.quantity,
                taker="sell" if aggregate.buyer_is_maker else "buy",
                time_us=aggregate.time_ms * 1_000,
                count=aggregate.last_trade_id - aggregate.first_trade_id + 1,
            ),
        )
        for aggregate in _parse(status, body, list[_Aggregate])
    ]


def klines_request(symbol: str, interval: str, *, from_ms: int) -> Request:
    """Ask for up to `MOST_KLINES` klines from a time on; weighs 2 of 6,000 a minute."""
    query = {
        "symbol": symbol.replace("/", ""),
        "interval": interval,
        "startTime": str(from_ms),
        "limit": str(MOST_KLINES),
    }
    return Request("/api/v3/klines", query)


def parse_klines(status: int, body: bytes) -> list[Kline]:
    """Return klines in the order of time; the last one may still be open."""
    return _parse(status, body, list[Kline])
