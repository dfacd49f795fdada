"""A small HTTP client for the exchanges' REST APIs, which keeps to their limits."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
from loguru import logger

from exchanges.binance import rest as binance_rest
from marketstream.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exchanges.binance.rest import MarketInfo, Request
    from marketstream.klines import Kline

_LIMITED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT)  # 418: banned for having gone on
_ATTEMPTS = 3


class RestClient:
    """Ask an exchange at `rest_url`; use it in `async with`.

    An answer that says "too many requests" is waited out for as long as it says, up to
    `patience_s`.
    """

    def __init__(self, rest_url: str, *, timeout_s: float = 10.0, patience_s: float = 60.0) -> None:
        self._url = rest_url.rstrip("/")
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
                raise NetworkError(
                    f"{self._url} takes no requests for {wait_s:g} s (HTTP {status}): "
                    "try again then"
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
                "https://api.binance.com"
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

    One request for each symbol: for several at once the exchange does not say which it does not
    know.
    """
    infos: dict[str, MarketInfo] = {}
    for symbol in symbols:
        status, body = await client.get(binance_rest.market_info_request(symbol))
        infos[symbol] = binance_rest.parse_market_info(symbol, status, body)
    return infos


async def fetch_server_time(client: RestClient) -> int:
    """Return the exchange's clock in ms."""
    return binance_rest.parse_server_time(*await client.get(binance_rest.server_time_request()))


async def fetch_klines(
    client: RestClient, symbol: str, interval: str, *, from_ms: int
) -> list[Kline]:
    """Return the exchange's own candles from a time on, one page of them."""
    return binance_rest.parse_klines(
        *await client.get(binance_rest.klines_request(symbol, interval, from_ms=from_ms))
    )
