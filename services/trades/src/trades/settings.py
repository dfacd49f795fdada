"""The settings of the trades service: environment over `config.yaml` over these defaults."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from exchanges.catalogue import venue_named
from marketstream.errors import SettingsError
from marketstream.settings import Env, split_commas
from marketstream.symbols import parse_symbol


class TradesSettings(BaseModel):
    """Which exchange and symbols to follow, and how patient to be.

    `ws_url` and `rest_url` are where the exchange is, None for its own addresses.
    `grace_ms` is how late a trade may come and still be in its candle; `silence_s` how long a
    connection may give no sign of life before it is given up, `history_minutes` how much of the
    past a start reads, `hold_s` how long live trades wait for those that a lost connection has
    missed, `audit_every_s` how often candles are compared with the exchange's, 0 for never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exchange: Annotated[str, Env("EXCHANGE")] = "binance"
    symbols: Annotated[
        list[str], BeforeValidator(split_commas), Field(min_length=1), Env("SYMBOLS")
    ] = ["BTC/USDT", "ETH/USDT"]
    ws_url: Annotated[str | None, Env("EXCHANGE_WS_URL"), Field(pattern=r"^wss?://\S+$")] = None
    rest_url: Annotated[str | None, Env("EXCHANGE_REST_URL"), Field(pattern=r"^https?://\S+$")] = (
        None
    )
    grace_ms: Annotated[int, Field(ge=0, le=60_000)] = 100
    silence_s: Annotated[float, Field(gt=0)] = 10.0
    history_minutes: Annotated[int, Env("HISTORY_MINUTES"), Field(ge=0, le=10_080)] = 60
    hold_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    audit_every_s: Annotated[float, Field(ge=0)] = 15.0

    @field_validator("exchange")
    @classmethod
    def _known_exchange(cls, exchange: str) -> str:
        try:
            venue_named(exchange)
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return exchange

    @field_validator("symbols")
    @classmethod
    def _unified_symbols(cls, symbols: list[str]) -> list[str]:
        try:
            return list(dict.fromkeys(parse_symbol(symbol) for symbol in symbols))
        except SettingsError as error:
            raise ValueError(str(error)) from error
