"""Bybit's REST API (v5): what to ask, and what an answer says.

Refusals come with HTTP status 200. Of the past there are the newest trades and no more, whatever
one asks for. https://bybit-exchange.github.io/docs/v5/market/recent-trade, .../market/kline and
.../market/instrument
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from exchanges.answers import check_order, decimals_of, decode_answer, decode_rows
from exchanges.bybit import wire
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade
from marketstream.timeframes import timeframe_ms

_LIMITED = f'"retCode":{wire.TOO_MANY_REQUESTS}'.encode()


def refuses(body: bytes) -> bool:
    """Say whether an answer is that too much was asked."""
    return _LIMITED in body[:200].replace(b" ", b"")


class BybitRest:
    """The requests and answers of one kind of market."""

    def __init__(self, category: wire.Category) -> None:
        self._category = category

    def market_info_request(self, symbol: str) -> Request:
        """Ask for tick and lot of one symbol."""
        return self._request("instruments-info", symbol)

    def parse_market_info(self, symbol: str, status: int, body: bytes) -> MarketInfo:
        """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
        answer = decode_answer(status, body, wire.Answer[msgspec.Raw])
        if answer.code == wire.BAD_PARAMETER and "symbol" in answer.message.lower():
            raise self._not_traded(symbol)
        instruments = _result(answer, wire.Rows[wire.Instrument]).rows
        if not instruments:
            raise self._not_traded(symbol)
        one = instruments[0]
        self._check_symbol(symbol, one.symbol)
        try:
            return MarketInfo(
                decimals_of(one.price_filter["tickSize"]),
                decimals_of(one.lot_filter[self._category.lot]),
            )
        except (KeyError, TypeError, ArithmeticError) as error:
            raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error

    def server_time_request(self) -> Request:
        """Ask for the exchange's clock."""
        return Request("/v5/market/time", {})

    def parse_server_time(self, status: int, body: bytes) -> int:
        """Return the exchange's clock in ms."""
        answer = decode_answer(status, body, wire.Answer[msgspec.Raw])
        return _result(answer, wire.Clock).time_ns // 1_000_000

    def trades_request(self, symbol: str, *, page_id: int | None, from_ms: int) -> Request:  # noqa: ARG002 - nothing to choose
        """Ask for the newest trades, `past_trades` of them."""
        return self._request("recent-trade", symbol, limit=self._category.most_trades)

    def newest_trade_request(self, symbol: str) -> Request:
        """Ask for the newest trade alone."""
        return self._request("recent-trade", symbol, limit=1)

    def parse_trades(self, symbol: str, status: int, body: bytes) -> Page:
        """Return trades as rows came, without those that were agreed on outside the book."""
        answer = decode_answer(status, body, wire.Answer[msgspec.Raw])
        rows = _result(answer, wire.Rows[msgspec.Raw]).rows

        def trade_of(row: wire.Row[Any]) -> HistoricTrade | None:
            if row.symbol != self._category.wire_symbol(symbol):
                raise ValueError(f"asked for {symbol}, symbol={row.symbol:.50}")
            return None if row.is_block else self._trade_of(row)

        page = decode_rows(rows, self._category.row, trade_of)
        return page if self._category.ordered else page._replace(trades=_in_order(page.trades))

    def _trade_of(self, row: wire.Row[Any]) -> HistoricTrade:
        number = self._category.trade_id(row.id)
        trade = Trade(
            number,
            row.price,
            row.size,
            "buy" if row.side == "Buy" else "sell",
            row.time_ms * 1_000,
        )
        return HistoricTrade(number, trade)

    def klines_request(self, symbol: str, interval: str, *, from_ms: int) -> Request:
        """Ask for up to `wire.MOST_KLINES` klines from a time on."""
        length_ms = timeframe_ms(interval)
        return self._request(
            "kline",
            symbol,
            interval=wire.INTERVALS[interval],
            start=from_ms,
            end=from_ms + wire.MOST_KLINES * length_ms - 1,
            limit=wire.MOST_KLINES,
        )

    def parse_klines(self, symbol: str, status: int, body: bytes) -> list[Kline]:
        """Return klines in the order of time; how long they are no answer says."""
        answer = decode_answer(status, body, wire.Answer[msgspec.Raw])
        result = _result(answer, wire.Rows[wire.Candle])
        self._check_symbol(symbol, result.symbol)
        return _klines(symbol, result.rows[::-1])

    def _request(self, name: str, symbol: str, **query: object) -> Request:
        query = {
            "category": self._category.name,
            "symbol": self._category.wire_symbol(symbol),
            **query,
        }
        return Request(f"/v5/market/{name}", {key: str(value) for key, value in query.items()})

    def _check_symbol(self, symbol: str, answered: str | None) -> None:
        if answered != self._category.wire_symbol(symbol):
            raise NetworkError(f"asked for {symbol}, the exchange answered for {answered!s:.50}")

    def _not_traded(self, symbol: str) -> SettingsError:
        return SettingsError(
            f"{symbol} is not traded on bybit ({self._category.name}): choose another symbol in "
            "config.yaml or --symbol"
        )


def _in_order(trades: Sequence[HistoricTrade]) -> list[HistoricTrade]:
    """Return trades, the newest first, with times and page ids that are in their order."""
    times_us: dict[int, int] = {}
    of_ms: Counter[int] = Counter()
    for _, trade in reversed(trades):
        if trade.id not in times_us:
            time_ms = trade.time_us // 1_000
            times_us[trade.id] = wire.nth_in_ms(time_ms, of_ms[time_ms])
            of_ms[time_ms] += 1
    return [
        HistoricTrade(
            times_us[trade.id] << 63 | trade.id, replace(trade, time_us=times_us[trade.id])
        )
        for _, trade in trades
    ]


def _klines(symbol: str, candles: Sequence[wire.Candle]) -> list[Kline]:
    check_order(symbol, "open time", [one.open_time_ms for one in candles])
    return [
        Kline(
            one.open_time_ms, one.open, one.high, one.low, one.close, one.volume,
            one.open_time_ms, one.turnover, 0, "0", "0",
        )
        for one in candles
    ]  # fmt: skip


def _result[Result](answer: wire.Answer[msgspec.Raw], shape: type[Result]) -> Result:
    """Return what was asked for; raises NetworkError where the exchange refused it."""
    if answer.code != 0:
        raise NetworkError(f"the exchange refused a request: {answer.message:.200} ({answer.code})")
    return decode_answer(200, bytes(answer.result), shape)
