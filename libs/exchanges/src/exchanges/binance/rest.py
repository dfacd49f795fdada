"""Binance's REST API: what to ask, and what an answer says.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exchanges.answers import check_order, decimals_of, decode_answer, decode_rows
from exchanges.binance import wire
from exchanges.events import BookEvent
from exchanges.numbers import NotNegative, Positive
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade


class BinanceRest:
    """The API below `path`, of the venue `name`."""

    name = "binance"
    path = "/api/v3"

    def wire_symbol(self, symbol: str) -> str:
        """Return a symbol as the exchange spells it: `BTCUSDT`."""
        return wire.wire_symbol(symbol)

    def market_info_request(self, symbol: str) -> Request:
        """Ask for tick and lot of one symbol, `BTC/USDT`."""
        return Request(f"{self.path}/exchangeInfo", {"symbol": self.wire_symbol(symbol)})

    def market_infos_request(self, symbols: Sequence[str]) -> Request:
        """Ask for tick and lot of several symbols, which weighs no more than one."""
        names = ",".join(f'"{self.wire_symbol(symbol)}"' for symbol in symbols)
        return Request(f"{self.path}/exchangeInfo", {"symbols": f"[{names}]"})

    def parse_market_info(self, symbol: str, status: int, body: bytes) -> MarketInfo:
        """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
        if _refusal_code(status, body) == wire.UNKNOWN_SYMBOL:
            raise self.not_traded(symbol)
        symbols = decode_answer(status, body, wire.ExchangeInfo).symbols
        found = [info for info in symbols if info.symbol == self.wire_symbol(symbol)]
        if len(found) != 1:
            answered = ", ".join(info.symbol for info in symbols[:5]) or "none"
            raise NetworkError(f"asked for {symbol}, the exchange answered for {answered}")
        return market_info(symbol, found[0])

    def not_traded(self, symbol: str) -> SettingsError:
        """Return the error that says that there is no such market."""
        return SettingsError(
            f"{symbol} is not traded on {self.name}: choose another symbol in config.yaml or "
            "--symbol"
        )

    def server_time_request(self) -> Request:
        """Ask for the exchange's clock."""
        return Request(f"{self.path}/time", {})

    def parse_server_time(self, status: int, body: bytes) -> int:
        """Return the exchange's clock in ms."""
        return decode_answer(status, body, wire.ServerTime).time_ms

    def trades_request(self, symbol: str, *, page_id: int | None, from_ms: int) -> Request:
        """Ask for up to `wire.MOST_ROWS` trades: from a page id on, or the first from a time on.

        Only the first page may go by time: more trades than a page holds can share a millisecond.
        """
        start = {"startTime": str(from_ms)} if page_id is None else {"fromId": str(page_id)}
        return self._trades_request(symbol, {"limit": str(wire.MOST_ROWS), **start})

    def newest_trade_request(self, symbol: str) -> Request:
        """Ask for the newest trade alone."""
        return self._trades_request(symbol, {"limit": "1"})

    def _trades_request(self, symbol: str, query: dict[str, str]) -> Request:
        return Request(f"{self.path}/aggTrades", {"symbol": self.wire_symbol(symbol), **query})

    def parse_trades(self, symbol: str, status: int, body: bytes) -> Page:  # noqa: ARG002 - no row has its symbol
        """Return fills of one taker at one price taken together, as rows came."""
        rows = decode_answer(status, body, list[msgspec.Raw])
        return decode_rows(rows, wire.Aggregate[Positive], _trade_of)

    def klines_request(self, symbol: str, interval: str, *, from_ms: int) -> Request:
        """Ask for up to `wire.MOST_ROWS` klines from a time on."""
        query = {
            "symbol": self.wire_symbol(symbol),
            "interval": interval,
            "startTime": str(from_ms),
            "limit": str(wire.MOST_ROWS),
        }
        return Request(f"{self.path}/klines", query)

    def parse_klines(self, symbol: str, status: int, body: bytes) -> list[Kline]:
        """Return klines in the order of time; the last one may still be open."""
        klines = decode_answer(status, body, list[Kline])
        check_order(symbol, "open time", [kline.open_time_ms for kline in klines])
        return klines

    def book_request(self, symbol: str) -> Request:
        """Ask for the best `wire.MOST_ROWS` levels of each side."""
        query = {"symbol": self.wire_symbol(symbol), "limit": str(wire.MOST_ROWS)}
        return Request(f"{self.path}/depth", query)

    def parse_book(self, market: str, status: int, body: bytes) -> BookEvent:
        """Return the levels of a market's book, whose symbol the answer does not say."""
        book = decode_answer(status, body, wire.Levels[Positive, NotNegative])
        time_us = None if book.time is None else book.time * 1_000
        return BookEvent(
            market, book.bids, book.asks, is_snapshot=True, time_us=time_us, last=book.last
        )


def market_info(symbol: str, info: wire.Symbol) -> MarketInfo:
    """Return tick and lot of a symbol by its rules; raises NetworkError where they lack."""
    sizes = {rule.get("filterType"): rule for rule in info.filters}
    try:
        return MarketInfo(
            decimals_of(sizes["PRICE_FILTER"]["tickSize"]),
            decimals_of(sizes["LOT_SIZE"]["stepSize"]),
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error


def _refusal_code(status: int, body: bytes) -> int | None:
    if status == 200:
        return None
    try:
        return msgspec.json.decode(body, type=wire.Refusal).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # a proxy's page, say: the status tells enough


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
