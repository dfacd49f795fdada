"""The settings of the trades service: environment over `config.yaml` over these defaults."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from exchanges.settings import ExchangeSettings
from marketstream.plan import Symbol
from marketstream.settings import Env, split_commas


class TradesSettings(ExchangeSettings):
    """Which symbols of `exchange` to follow unless told otherwise, and how patient to be.

    `grace_ms` is how late a trade may come and still be in its candle; `silence_s` how long a
    connection may give no sign of life before it is given up, `history_minutes` how much of the
    past a start reads, `hold_s` how long live trades wait for those that a lost connection has
    missed. Of books `levels` a side are followed, none for 0, and said every `depth_every_ms`. With
    `context` so is what venues tell of perpetuals: mark and index price, funding and the like. Of
    `instances` that share the markets out, this is the one of number `instance`.
    """

    symbols: Annotated[
        list[Symbol], BeforeValidator(split_commas), Field(min_length=1), Env("SYMBOLS")
    ] = Field(default=["BTC/USDT", "ETH/USDT"])
    instance: Annotated[int, Field(ge=0), Env("TRADES_INSTANCE")] = 0
    instances: Annotated[int, Field(ge=1), Env("TRADES_INSTANCES")] = 1
    grace_ms: Annotated[int, Field(ge=0, le=60_000)] = 100
    silence_s: Annotated[float, Field(gt=0)] = 10.0
    history_minutes: Annotated[int, Env("HISTORY_MINUTES"), Field(ge=0, le=10_080)] = 60
    hold_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    levels: Annotated[int, Env("BOOK_LEVELS"), Field(ge=0, le=10)] = 0
    depth_every_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    context: Annotated[bool, Env("DERIVATIVES_CONTEXT")] = False

    @field_validator("symbols")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        return list(dict.fromkeys(names))

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.instance >= self.instances:
            raise ValueError(
                f"TRADES_INSTANCE {self.instance}: of {self.instances} instances choose "
                f"0 to {self.instances - 1}"
            )
        return self
