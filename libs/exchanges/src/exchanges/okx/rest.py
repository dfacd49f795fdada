"""OKX's REST API (v5): what to ask, and what an answer says.

Refusals may come with HTTP status 200. Pages of trades are counted back from an id, the newest
first. https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-trades-history,
...-get-candlesticks-history and #public-data-rest-api-get-instruments
"""

from __future__ import annotations

import msgspec

from exchanges.answers import check_order, decimals_of, decode_answer, decode_rows
from exchanges.okx import wire
from exchanges.venue import HistoricTrade, MarketInfo, Page, Request
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade
from marketstream.timeframes import timeframe_ms

_LIMITED = f'"code":"{wire.TOO_MANY_REQUESTS}"'.encode()


def refuses(body: bytes) -> bool:
    """Say whether an answer is that too much was asked."""
    return _LIMITED in body[:200].replace(b" ", b"")


class OkxRest:
    """The requests and answers of spot markets."""

    name = "okx"
    kind = "SPOT"

    def instrument(self, symbol: str) -> str:
        """Return a symbol as the exchange spells it; raises SettingsError if it is none of its."""
        return wire.spot_instrument(symbol)

    def market_info_request(self, symbol: str) -> Request:
        """Ask for tick and lot of one symbol."""
        query = {"instType": self.kind, "instId": self.instrument(symbol)}
        return Request("/api/v5/public/instruments", query)

    def parse_market_info(self, symbol: str, status: int, body: bytes) -> MarketInfo:
        """Return tick and lot; raises SettingsError where the exchange does not know the symbol."""
        if _refusal_code(body) == wire.UNKNOWN_INSTRUMENT:
            raise self._not_traded(symbol)
        rows = _rows(status, body, list[wire.Instrument])
        if not rows:
            raise self._not_traded(symbol)
        self._check_name(symbol, rows[0].name)
        try:
            return self.market_info(symbol, rows[0])
        except (TypeError, ValueError, ArithmeticError) as error:
            raise NetworkError(f"{symbol}: no tick or lot in the answer ({error!r})") from error

    def market_info(self, symbol: str, rules: wire.Instrument) -> MarketInfo:  # noqa: ARG002 - for swaps
        """Return tick and lot; raises TypeError, ValueError or ArithmeticError if there is none."""
        return MarketInfo(decimals_of(rules.tick), decimals_of(rules.lot))

    def server_time_request(self) -> Request:
        """Ask for the exchange's clock."""
        return Request("/api/v5/public/time", {})

    def parse_server_time(self, status: int, body: bytes) -> int:
        """Return the exchange's clock in ms."""
        rows = _rows(status, body, list[wire.Clock])
        if not rows:
            raise NetworkError("the exchange does not say what time it is")
        return rows[0].time_ms

    def trades_request(self, symbol: str, *, page_id: int | None, from_ms: int) -> Request:  # noqa: ARG002 - by id only
        """Ask for the `wire.MOST_TRADES` trades from an id on, or for the newest ones.

        Where there are fewer, those before the id fill the page.
        """
        query = {"instId": self.instrument(symbol), "limit": str(wire.MOST_TRADES)}
        if page_id is not None:
            query["after"] = str(page_id + wire.MOST_TRADES)  # older than that
        return Request("/api/v5/market/history-trades", query)

    def newest_trade_request(self, symbol: str) -> Request:
        """Ask for the newest trade alone."""
        return Request(
            "/api/v5/market/history-trades", {"instId": self.instrument(symbol), "limit": "1"}
        )

    def parse_trades(self, symbol: str, status: int, body: bytes) -> Page:
        """Return single fills as rows came, sizes as they are said."""
        rows = _rows(status, body, list[msgspec.Raw])

        def trade_of(row: wire.Trade) -> HistoricTrade:
            if row.instrument != self.instrument(symbol):
                raise ValueError(f"asked for {symbol}, instId={row.instrument:.50}")
            if row.count > row.id + 1:
                raise ValueError(f"tradeId={row.id} is the last of count={row.count}")
            time_us = row.time_ms * 1_000
            trade = Trade(row.id, row.price, row.size, row.side, time_us, row.count)
            return HistoricTrade(row.id, trade)

        return decode_rows(rows, wire.Trade, trade_of)

    def klines_request(self, symbol: str, interval: str, *, from_ms: int) -> Request:
        """Ask for up to `wire.MOST_KLINES` klines from a time on."""
        query = {
            "instId": self.instrument(symbol),
            "bar": wire.BARS[interval],
            "before": str(from_ms - 1),  # newer than that
            "after": str(from_ms + wire.MOST_KLINES * timeframe_ms(interval)),  # older than that
            "limit": str(wire.MOST_KLINES),
        }
        return Request("/api/v5/market/history-candles", query)

    def parse_klines(self, symbol: str, status: int, body: bytes) -> list[Kline]:
        """Return klines in the order of time; how long they are no answer says."""
        candles = _rows(status, body, list[wire.Candle])[::-1]
        check_order(symbol, "open time", [one.open_time_ms for one in candles])
        return [
            Kline(
                one.open_time_ms, one.open, one.high, one.low, one.close, self.volume(one),
                one.open_time_ms, one.quote_volume, 0, "0", "0",
            )
            for one in candles
        ]  # fmt: skip

    def volume(self, candle: wire.Candle) -> str:
        """Return what was traded, in base units."""
        return candle.contracts

    def _check_name(self, symbol: str, answered: str) -> None:
        if answered != self.instrument(symbol):
            raise NetworkError(f"asked for {symbol}, the exchange answered for {answered:.50}")

    def _not_traded(self, symbol: str) -> SettingsError:
        return SettingsError(
            f"{symbol} is not traded on {self.name}: choose another symbol in config.yaml or "
            "--symbol"
        )


def _refusal_code(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=wire.Envelope).code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # a proxy's page, say: the status tells enough


def _rows[Row](status: int, body: bytes, shape: type[list[Row]]) -> list[Row]:
    """Return the rows of an answer; raises NetworkError where the exchange refused it."""
    answer = decode_answer(status, body, wire.Answer)
    if answer.code != "0":
        raise NetworkError(f"the exchange refused a request: {answer.message:.200} ({answer.code})")
    return decode_answer(200, bytes(answer.data), shape)
