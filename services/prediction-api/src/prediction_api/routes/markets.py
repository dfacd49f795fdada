"""Routes that are about one market, and which market a URL means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response

from marketstream.errors import SettingsError
from marketstream.symbols import market_of, parse_symbol, plain_symbol, split_market, url_symbol
from prediction_api.routes.answers import problem

_SEPARATORS = re.compile("[/_:]")

type Answer = Callable[[str], Awaitable[Response]]
"""Answers what is asked of a market, `venue:SYMBOL`."""


class NoSuchMarketError(Exception):
    """A URL names a market that is none, or is not followed; the message says which are."""


class SeveralMarketsError(Exception):
    """A URL names a symbol that several venues have: `markets`."""

    def __init__(self, symbol: str, markets: Sequence[str]) -> None:
        super().__init__(symbol)
        self.symbol = symbol
        self.markets = markets


def add_market_route(
    app: FastAPI, name: str, markets: Sequence[str], answer: Answer, **told: Any
) -> None:
    """Add `/name/{symbol}`, for symbols of one venue only, and `/name/{venue}/{symbol}`.

    What else is `told` of them goes into the schema.
    """

    async def by_symbol(symbol: str) -> Response:
        return await answer(find_market(markets, symbol))

    async def by_venue(venue: str, symbol: str) -> Response:
        return await answer(find_market(markets, symbol, venue))

    about = answer.__doc__
    app.get(f"/{name}/{{symbol}}", name=name, description=about, **told)(by_symbol)
    # A symbol may have been written BTC%2FUSDT, which arrives with a slash.
    app.get(f"/{name}/{{venue}}/{{symbol:path}}", name=name, description=about, **told)(by_venue)


def find_market(markets: Sequence[str], symbol: str, venue: str | None = None) -> str:
    """Return the market that a URL names; without a symbol, `venue` is one.

    Raises NoSuchMarketError, or SeveralMarketsError where the venue has to be told.
    """
    symbol = symbol.rstrip("/")
    if venue is None or not symbol:
        return _only(markets, _unified(markets, symbol or venue or ""))
    if venue in {split_market(market)[0] for market in markets}:
        market = market_of(venue, _unified(markets, symbol))
        if market in markets:
            return market
        raise _not_followed(markets, f"{_unified(markets, symbol)} on {venue}")
    try:
        return _only(markets, _unified(markets, f"{venue}/{symbol}"))  # BTC%2FUSDT, without a venue
    except NoSuchMarketError:
        raise _not_followed(markets, f"{venue}/{symbol}") from None


def market_path(market: str) -> str:
    """Return a market as URLs have it, `binance/BTC-USDT`."""
    venue, symbol = split_market(market)
    return quote(f"{venue}/{url_symbol(symbol)}", safe="/:")


def short_paths(markets: Sequence[str]) -> dict[str, str]:
    """Return the shortest path of each market: `BTC-USDT` where one venue has it."""
    venues = Counter(split_market(market)[1] for market in markets)
    return {
        market: quote(url_symbol(symbol), safe=":") if venues[symbol] == 1 else market_path(market)
        for market in markets
        for symbol in (split_market(market)[1],)
    }


async def no_such_market(_request: Request, error: Exception) -> Response:
    """Answer NoSuchMarketError."""
    return problem(404, "No such market", str(error))


async def several_markets(request: Request, error: Exception) -> Response:
    """Answer SeveralMarketsError with the URLs there are to choose from."""
    assert isinstance(error, SeveralMarketsError)
    route = request.url.path.split("/")[1]
    choices = [f"/{route}/{market_path(market)}" for market in error.markets]
    detail = f"several venues have {error.symbol}: choose {' or '.join(choices)}"
    return problem(300, "Several markets", detail, choices=choices)


def _unified(markets: Sequence[str], symbol: str) -> str:
    """Return a symbol whichever sign it is written with: BTC/USDT, BTC_USDT, BTC-USDT:USDT.

    Without any, BTCUSDT, it is that of a market that is followed.
    """
    try:
        return parse_symbol(_SEPARATORS.sub("-", symbol))
    except SettingsError as error:
        for market in markets:
            if symbol and plain_symbol(split_market(market)[1]) == symbol.upper():
                return split_market(market)[1]
        raise NoSuchMarketError(f"{error}; in a URL like BTC-USDT") from error


def _only(markets: Sequence[str], symbol: str) -> str:
    found = [market for market in markets if split_market(market)[1] == symbol]
    if not found:
        raise _not_followed(markets, symbol)
    if len(found) > 1:
        raise SeveralMarketsError(symbol, found)
    return found[0]


def _not_followed(markets: Sequence[str], asked: str) -> NoSuchMarketError:
    known = ", ".join(short_paths(markets).values())
    venues = ", ".join(dict.fromkeys(split_market(market)[0] for market in markets))
    return NoSuchMarketError(f"{asked} is not followed here; there is {known} (on {venues})")
