"""What to predict: the one thing all services have to agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

from marketstream.errors import SettingsError
from marketstream.settings import Env, split_commas
from marketstream.symbols import market_of, parse_market, parse_symbol
from marketstream.timeframes import finest_first, horizon_ms, timeframe_ms


@dataclass(frozen=True, slots=True)
class Plan:
    """What to predict: markets, the timeframe decided on, and how many of it ahead.

    `timeframes` are the candles made beside it; outcomes are measured on the finest of all.
    `groups` are markets that look at each other, by the name of the group; a market is in one.
    """

    markets: tuple[str, ...]
    timeframe: str
    horizons: tuple[int, ...]
    timeframes: tuple[str, ...] = ("250ms",)
    latency_ms: int = 0
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if timeframe_ms(self.timeframe) % timeframe_ms(self.base):
            raise SettingsError(
                f"timeframe {self.timeframe} is no whole number of {self.base} candles: choose a "
                "multiple of it, or other timeframes in services/candles/config.yaml"
            )
        if not self.horizons:
            raise SettingsError("horizons (): name one or more, each a number of timeframes")
        for horizon in self.horizons:
            horizon_ms(horizon, self.timeframe)
        grouped = [market for markets in self.groups.values() for market in markets]
        for market in grouped:
            if market not in self.markets or grouped.count(market) > 1:
                raise SettingsError(
                    f"groups: {market!r} has to be one of {', '.join(self.markets)}, in one group"
                )

    def group_of(self, market: str) -> str:
        """Return the name of a market's group: the market itself, where it looks at no other.

        It is the key of the market's messages on Kafka, so that a group's stay in order.
        """
        for name, markets in self.groups.items():
            if market in markets:
                return name
        return market

    def group(self, market: str) -> tuple[str, ...]:
        """Return the markets of a market's group, itself among them."""
        return self.groups.get(self.group_of(market), (market,))

    @property
    def candle_timeframes(self) -> list[str]:
        """All timeframes, the finest first."""
        return finest_first([*self.timeframes, self.timeframe])

    @property
    def base(self) -> str:
        """The finest timeframe."""
        return self.candle_timeframes[0]

    @property
    def horizons_ms(self) -> tuple[int, ...]:
        """The horizons as times."""
        return tuple(horizon_ms(horizon, self.timeframe) for horizon in self.horizons)


def _timeframe(value: str) -> str:
    try:
        timeframe_ms(value)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return value


def _symbol(value: str) -> str:
    try:
        return parse_symbol(value)
    except SettingsError as error:
        raise ValueError(str(error)) from error


def _market(value: str) -> str:
    try:
        return parse_market(value)
    except SettingsError as error:
        raise ValueError(str(error)) from error


type Timeframe = Annotated[str, AfterValidator(_timeframe)]
type Symbol = Annotated[str, AfterValidator(_symbol)]
type Market = Annotated[str, AfterValidator(_market)]


def _split_groups(value: object) -> object:
    """Split `name=market+market,name=market+market`."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",")]
    return {name.strip(): [one.strip() for one in some.split("+")] for name, _, some in pairs}


class PlanSettings(BaseModel):
    """The plan of services that are processes of their own; each reads the same variables.

    Followed are `markets`, or where there are none of these `symbols` of `exchange`.
    Candles of `base_timeframe` are made beside those of `timeframe`: outcomes are measured on them.
    `groups` are markets that look at each other, by name, such as
    `bitcoin=binance:BTC/USDT+binance:BTC/USDC`.
    """

    model_config = ConfigDict(extra="forbid")

    exchange: Annotated[str, Env("EXCHANGE")] = "binance"
    symbols: Annotated[
        list[Symbol], BeforeValidator(split_commas), Field(min_length=1), Env("SYMBOLS")
    ] = ["BTC/USDT", "ETH/USDT"]
    markets: Annotated[list[Market], BeforeValidator(split_commas), Env("MARKETS")] = []
    timeframe: Annotated[Timeframe, Env("TIMEFRAME")] = "1s"
    base_timeframe: Annotated[Timeframe, Env("BASE_TIMEFRAME")] = "250ms"
    horizons: Annotated[
        list[PositiveInt], BeforeValidator(split_commas), Field(min_length=1), Env("HORIZONS")
    ] = [1, 2, 5, 10]
    groups: Annotated[dict[str, list[str]], BeforeValidator(_split_groups), Env("GROUPS")] = {}
    latency_ms: Annotated[int, Field(ge=0, le=60_000), Env("LABEL_LATENCY_MS")] = 0

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if timeframe_ms(self.timeframe) % timeframe_ms(self.base_timeframe):
            raise ValueError(
                f"TIMEFRAME {self.timeframe} is no whole number of BASE_TIMEFRAME "
                f"{self.base_timeframe} candles"
            )
        return self

    def plan(self) -> Plan:
        """Return the plan."""
        symbols = [market_of(self.exchange, symbol) for symbol in self.symbols]
        return Plan(
            tuple(dict.fromkeys(self.markets or symbols)),
            self.timeframe,
            tuple(dict.fromkeys(self.horizons)),
            (self.base_timeframe,),
            self.latency_ms,
            {name: tuple(markets) for name, markets in self.groups.items()},
        )
