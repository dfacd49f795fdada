"""A small HTTP client for the exchanges' REST APIs, which keeps to their limits."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
from loguru import logger

from marketstream.errors import NetworkError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchanges.venue import HistoricTrade, MarketInfo, Request, Venue
    from marketstream.klines import Kline

_LIMITED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT)  # 418: banned for having gone on
_ATTEMPTS = 3


class RestClient:
    """Ask a venue, or who speaks as it does at `rest_url`; use it in `async with`.

    An answer that says "too many requests" is waited out for as long as it says, up to
    `patience_s`.
    """

    def __init__(
        self,
        venue: Venue,
        rest_url: str | None = None,
        *,
        timeout_s: float = 10.0,
        patience_s: float = 60.0,
    ) -> None:
        self.venue = venue
        self._url = (venue.rest_url if rest_url is None else rest_url).rstrip("/")
        self._patience_s = patience_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def get(self, request: Request) -> tuple[int, bytes]:
        """Return status and body; raises NetworkError where there is none or we are refused."""
        for _ in range(_ATTEMPTS):
            status, body, retry_after = await self._ask(request)
            if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
                raise NetworkError(
                    f"{self._url} refuses this location (HTTP 451): set EXCHANGE_REST_URL and "
                    "EXCHANGE_WS_URL to a server that serves it, such as a simulator"
                )
            if status not in _LIMITED:
                return status, body
            wait_s = _seconds(retry_after)
            if wait_s > self._patience_s:
                raise RefusedError(
                    f"{self._url} takes no requests for {wait_s:g} s (HTTP {status}): "
                    "try again then",
                    wait_s,
                )
            logger.warning("Too many requests", url=self._url, status=status, retry_in_s=wait_s)
            await asyncio.sleep(wait_s)
        raise NetworkError(f"{self._url} still says too many requests after {_ATTEMPTS} attempts")

    async def _ask(self, request: Request) -> tuple[int, bytes, str | None]:
        try:
            async with self._session.get(self._url + request.path, params=request.query) as answer:
                return answer.status, await answer.read(), answer.headers.get("Retry-After")
        except aiohttp.InvalidURL as error:
            raise NetworkError(
                f"{self._url!r} is not a URL: set EXCHANGE_REST_URL to one like "
                f"{self.venue.rest_url}"
            ) from error
        except TimeoutError as error:
            raise NetworkError(
                f"{self._url} did not answer within {self._timeout.total:g} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"{self._url} cannot be reached: {error}") from error


def _seconds(retry_after: str | None) -> float:
    """Return the header's seconds; one second where it is missing or a date."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else 1.0


async def fetch_market_infos(client: RestClient, symbols: Iterable[str]) -> dict[str, MarketInfo]:
    """Return tick and lot by symbol; raises SettingsError naming one that is not traded.

    One request for each symbol: for several at once exchanges do not say which they do not know.
    """
    rest = client.venue.rest
    infos: dict[str, MarketInfo] = {}
    for symbol in symbols:
        status, body = await client.get(rest.market_info_request(symbol))
        infos[symbol] = rest.parse_market_info(symbol, status, body)
    return infos


async def fetch_server_time(client: RestClient) -> int:
    """Return the exchange's clock in ms."""
    rest = client.venue.rest
    return rest.parse_server_time(*await client.get(rest.server_time_request()))


async def fetch_trades(
    client: RestClient, symbol: str, *, page_id: int | None, from_ms: int
) -> list[HistoricTrade]:
    """Return a page of past trades: from a page id on, or the first from a time on."""
    rest = client.venue.rest
    request = rest.trades_request(symbol, page_id=page_id, from_ms=from_ms)
    page = rest.parse_trades(symbol, *await client.get(request))
    if page_id is not None and page and page[0].page_id < page_id:
        raise NetworkError(f"{symbol}: asked for {page_id} and on, answered {page[0].page_id}")
    return page


async def fetch_klines(
    client: RestClient, symbol: str, interval: str, *, from_ms: int
) -> list[Kline]:
    """Return the exchange's own candles from a time on, one page of them."""
    rest = client.venue.rest
    request = rest.klines_request(symbol, interval, from_ms=from_ms)
    return rest.parse_klines(symbol, *await client.get(request))


async def fetch_newest_trade(client: RestClient, symbol: str) -> HistoricTrade | None:
    """Return the newest trade the exchange knows of; None where nothing has traded."""
    rest = client.venue.rest
    request = rest.newest_trade_request(symbol)
    page = rest.parse_trades(symbol, *await client.get(request))
    return page[-1] if page else None
