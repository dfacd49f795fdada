"""The REST API of perpetuals: that of spot markets, but for what is said here.

Rows of past trades are fills of one side at one price within 100 ms, and those of the market only.
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
"""

from __future__ import annotations

from exchanges.answers import decode_answer
from exchanges.binance import wire
from exchanges.binance.rest import BinanceRest, market_info
from exchanges.binance_usdm.symbols import wire_symbol
from exchanges.venue import MarketInfo, Request


class UsdmRest(BinanceRest):
    """The API of `binance-usdm`."""

    name = "binance-usdm"
    path = "/fapi/v1"

    def wire_symbol(self, symbol: str) -> str:
        """Return a symbol as the exchange spells it: `BTCUSDT`; SettingsError if no perpetual."""
        return wire_symbol(symbol)

    def market_info_request(self, symbol: str) -> Request:  # noqa: ARG002 - it cannot be asked for alone
        """Ask for tick and lot of all symbols."""
        return Request(f"{self.path}/exchangeInfo", {})

    def open_interest_request(self, symbol: str) -> Request:
        """Ask for the open interest; the answer is read as a frame."""
        return Request(f"{self.path}/openInterest", {"symbol": self.wire_symbol(symbol)})

    def parse_market_info(self, symbol: str, status: int, body: bytes) -> MarketInfo:
        """Return tick and lot; raises SettingsError where the symbol is not among those traded."""
        wanted = self.wire_symbol(symbol)
        for info in decode_answer(status, body, wire.ExchangeInfo).symbols:
            if info.symbol == wanted:
                return market_info(symbol, info)
        raise self.not_traded(symbol)
