"""Which exchanges are followed, and where each of them is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from exchanges.catalogue import venue_named
from exchanges.sources import Place, Source, sources_of
from marketstream.errors import SettingsError
from marketstream.settings import Env

type WsUrl = Annotated[str, Field(pattern=r"^wss?://\S+$")]
type RestUrl = Annotated[str, Field(pattern=r"^https?://\S+$")]


class HostSettings(BaseModel):
    """Where a venue is, or a server of another name that speaks as `venue` does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    venue: str | None = None
    ws_url: WsUrl | None = None
    rest_url: RestUrl | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.ws_url is None and self.rest_url is None:
            raise ValueError("say where it is: name=WS_URL REST_URL")
        return self


def _split_hosts(value: object) -> object:
    """Split `name=WS_URL REST_URL,name:venue=WS_URL REST_URL`."""
    if not isinstance(value, str):
        return value
    hosts: dict[str, object] = {}
    for part in value.split(","):
        names, _, urls = part.partition("=")
        name, _, venue = names.strip().partition(":")
        found = urls.split()
        said = {"ws_url" if url.startswith("ws") else "rest_url": url for url in found}
        hosts[name] = {"venue": venue or None, **said} if len(said) == len(found) else part
    return hosts


class ExchangeSettings(BaseModel):
    """Where exchanges are: `ws_url` and `rest_url` of `exchange`, None for its own addresses.

    `hosts` says the same of others, by name. Whoever is no venue speaks as the `venue` named there,
    or as `exchange`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exchange: Annotated[str, Env("EXCHANGE")] = "binance"
    ws_url: Annotated[WsUrl | None, Env("EXCHANGE_WS_URL")] = None
    rest_url: Annotated[RestUrl | None, Env("EXCHANGE_REST_URL")] = None
    hosts: Annotated[
        dict[str, HostSettings], BeforeValidator(_split_hosts), Env("EXCHANGE_HOSTS")
    ] = {}

    @field_validator("exchange")
    @classmethod
    def _known_exchange(cls, exchange: str) -> str:
        return _known(exchange)

    @field_validator("hosts")
    @classmethod
    def _known_venues(cls, hosts: dict[str, HostSettings]) -> dict[str, HostSettings]:
        for host in hosts.values():
            if host.venue is not None:
                _known(host.venue)
        return hosts

    def sources(self, markets: Iterable[str]) -> list[Source]:
        """Return who is to be followed for these markets; SettingsError where one can't be had."""
        places = {
            name: Place(host.venue or "", host.ws_url, host.rest_url)
            for name, host in self.hosts.items()
        }
        usual = Place(self.exchange, self.ws_url, self.rest_url)
        return sources_of(markets, usual, places)


def _known(exchange: str) -> str:
    try:
        venue_named(exchange)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return exchange
