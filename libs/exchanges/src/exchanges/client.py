"""A small HTTP client for the exchanges' REST APIs, which keeps to their limits."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from itertools import batched
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
from loguru import logger
from msgspec.structs import replace

from exchanges.checked import Checked, check_klines, check_time, check_trades
from exchanges.contracts import trade_in_base_units
from exchanges.counting import first_id_from
from exchanges.limits import limit_of
from marketstream.errors import NetworkError, RefusedError
from marketstream.timeframes import timeframe_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from fractions import Fraction

    from exchanges.venue import HistoricTrade, MarketInfo, Page, Request, Venue
    from marketstream.klines import Kline

_LIMITED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT)  # 418: banned for having gone on
_MOST_TOGETHER = 100  # symbols, which fit into a URL
_MOST_BYTES = 32 * 2**20  # of a body; all markets of a venue are a few MiB
_FIRST_WAIT_S, _MOST_WAIT_S = 0.25, 10.0


class RestClient:
    """Ask a venue, or who speaks as it does at `rest_url`; use it in `async with`.

    A request takes `timeout_s` at most, and is made again while the server has a problem of its
    own (5xx), does not answer in time or breaks off, until `patience_s` have passed. "Too many
    requests" is waited out for as long as it says, by all clients of the URL; a longer wait than
    patience allows is a RefusedError. Into `contract_sizes` goes what is asked of contracts. Where
    a server refuses our location (HTTP 451), `other_urls` are asked in turn. A body of more than
    `most_bytes` is a NetworkError.
    """

    def __init__(
        self,
        venue: Venue,
        rest_url: str | None = None,
        *,
        other_urls: Sequence[str] = (),
        timeout_s: float = 10.0,
        patience_s: float = 60.0,
        contract_sizes: dict[str, Fraction] | None = None,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self.venue = venue
        self._most_bytes = most_bytes
        self.contract_sizes = {} if contract_sizes is None else contract_sizes
        first_url = venue.rest_url if rest_url is None else rest_url
        self._urls = [url.rstrip("/") for url in (first_url, *other_urls)]
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

    @property
    def _url(self) -> str:
        return self._urls[0]

    @property
    def _interval_s(self) -> float:
        # Whoever only speaks as the venue has limits of its own, and says so.
        return self.venue.rest_interval_s if self._url == self.venue.rest_url else 0.0

    async def get(self, request: Request) -> tuple[int, bytes]:
        """Return status and body; raises NetworkError where there is none or we are refused."""
        give_up_s = time.monotonic() + self._patience_s
        wait_s = _FIRST_WAIT_S
        others = len(self._urls) - 1
        while True:
            await self._wait_for_turn(give_up_s)
            asked_s = limit_of(self._url).asked(self._interval_s)
            try:
                status, body = await self._ask(request, asked_s)
            except _LocationRefusedError as error:
                if not others:
                    raise
                others -= 1
                self._urls.append(self._urls.pop(0))
                logger.warning("Another server is asked", url=self._url, reason=str(error))
                continue
            except _NoAnswerError as error:
                if time.monotonic() + wait_s > give_up_s:
                    raise
                reason = str(error)
            else:
                if status in _LIMITED:
                    continue
                is_last = time.monotonic() + wait_s > give_up_s
                if status < HTTPStatus.INTERNAL_SERVER_ERROR or is_last:
                    return status, body
                reason = f"HTTP {status}"
            logger.warning("Asking again", url=self._url, reason=reason, retry_in_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _MOST_WAIT_S)

    async def _wait_for_turn(self, give_up_s: float) -> None:
        """Wait until the server may be asked; raises RefusedError where that is too long."""
        while wait_s := limit_of(self._url).wait_s():
            if time.monotonic() + wait_s > give_up_s:
                raise RefusedError(
                    f"{self._url} takes no requests for {wait_s:.3g} s: try again then", wait_s
                )
            if wait_s > self._interval_s:
                logger.warning("Waiting to be let in", url=self._url, retry_in_s=round(wait_s, 2))
            await asyncio.sleep(wait_s)

    async def _ask(self, request: Request, asked_s: float) -> tuple[int, bytes]:
        """Ask once, and note what the answer says of limits."""
        try:
            async with self._session.get(self._url + request.path, params=request.query) as answer:
                if answer.status != HTTPStatus.OK:
                    # Whether or not a body follows.
                    self._note(answer.status, answer.headers, asked_s)
                    return answer.status, await self._body_of(answer)
                body = await self._body_of(answer)
                is_refused = self.venue.refuses(body)
                status = HTTPStatus.TOO_MANY_REQUESTS if is_refused else HTTPStatus.OK
                self._note(status, answer.headers, asked_s)
                return status, body
        except aiohttp.InvalidURL as error:
            raise NetworkError(
                f"{self._url!r} is not a URL: set EXCHANGE_REST_URL to one like "
                f"{self.venue.rest_url}"
            ) from error
        except TimeoutError as error:
            raise _NoAnswerError(
                f"{self._url} did not answer within {self._timeout.total:g} s"
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise NetworkError(f"{self._url} cannot be reached: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _NoAnswerError(f"{self._url} broke off: {error}") from error

    async def _body_of(self, answer: aiohttp.ClientResponse) -> bytes:
        """Return the body; raises NetworkError where it is longer than any that was asked for."""
        parts = bytearray()
        async for part in answer.content.iter_any():
            parts += part
            if len(parts) > self._most_bytes:
                raise NetworkError(
                    f"{self._url} answers {answer.url.path} with more than "
                    f"{self._most_bytes / 2**20:g} MiB, which no exchange does: is "
                    "EXCHANGE_REST_URL right?"
                )
        return bytes(parts)

    def _note(self, status: int, headers: Mapping[str, str], asked_s: float) -> None:
        if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            raise _LocationRefusedError(
                f"{self._url} refuses this location (HTTP 451): set EXCHANGE_REST_URL and "
                "EXCHANGE_WS_URL to a server that serves it, such as a simulator"
            )
        limit = limit_of(self._url)
        if status in _LIMITED:
            limit.refused(headers.get("Retry-After"), asked_s)
        else:
            venue = self.venue
            limit.answered(headers, venue.weight_header, venue.weight_a_minute)


class _LocationRefusedError(NetworkError):
    """Whoever is where we are is not served there."""


class _NoAnswerError(NetworkError):
    """There was no answer, or half of one: another request may have one."""


async def fetch_market_infos(client: RestClient, symbols: Iterable[str]) -> dict[str, MarketInfo]:
    """Return tick and lot by symbol; raises SettingsError naming one that is not traded.

    Many are asked for together where the venue has a request for that.
    """
    together = client.venue.market_infos_request
    infos: dict[str, MarketInfo] = {}
    for some in batched(symbols, 1 if together is None else _MOST_TOGETHER):
        infos |= await _infos(client, some)
    client.contract_sizes |= {symbol: info.contract_size for symbol, info in infos.items()}
    return infos


async def _infos(client: RestClient, symbols: Sequence[str]) -> dict[str, MarketInfo]:
    """Return tick and lot of symbols by one request, or each by its own where that is refused."""
    rest, together = client.venue.rest, client.venue.market_infos_request
    if len(symbols) > 1 and together is not None:
        status, body = await client.get(together(symbols))
        if status == HTTPStatus.OK:
            return {symbol: rest.parse_market_info(symbol, status, body) for symbol in symbols}
    infos = {}
    for symbol in symbols:  # exchanges do not say which of several they do not know
        status, body = await client.get(rest.market_info_request(symbol))
        infos[symbol] = rest.parse_market_info(symbol, status, body)
    return infos


async def fetch_server_time(client: RestClient) -> int:
    """Return the exchange's clock in ms; raises NetworkError where it is no time of our years."""
    rest = client.venue.rest
    request = rest.server_time_request()
    return check_time(rest.parse_server_time(*await client.get(request)))


async def fetch_checked(
    client: RestClient,
    symbol: str,
    *,
    page_id: int | None,
    from_ms: int,
    reference_price: float | None = None,
    now_ms: int | None = None,
    until_us: int | None = None,
) -> Checked:
    """Return a page of past trades, from a page id on, or the first from a time on.

    `reference_price` and `now_ms` (the exchange's clock) are what rows are held against, beside
    what was asked for and each other, and `until_us` is what they end with: see `check_trades`.
    """
    venue = client.venue

    async def fetch(page_id: int | None, from_ms: int) -> Page:
        request = venue.rest.trades_request(symbol, page_id=page_id, from_ms=from_ms)
        return await _fetch_page(client, symbol, request)

    async def fetch_back(page_id: int | None) -> list[HistoricTrade]:
        page = await fetch(page_id, 0)
        return check_trades(page, symbol, page_id=None, from_ms=0, now_ms=now_ms).trades

    if page_id is None and venue.counts_back:
        page_id = await first_id_from(fetch_back, venue.page_trades, from_ms)
    return check_trades(
        await fetch(page_id, from_ms), symbol, page_id=page_id, from_ms=from_ms,
        reference_price=reference_price, now_ms=now_ms, until_us=until_us,
        contiguous=venue.ids == "contiguous", ordered=venue.ids != "opaque",
        counts_back=venue.counts_back or venue.past == "by_time",
    )  # fmt: skip


def page_after(
    venue: Venue, page: Checked, from_ms: int, *, by_time: bool = False
) -> tuple[int | None, int] | None:
    """Return by which page id, or None and which time, to ask for what follows on a page.

    None where nothing does, or where a page by time from `from_ms` on is full of one instant, which
    nobody can ask beyond. Pages by time overlap; `by_time` has them be so though ids would do.
    """
    page_id = page.next_page_id(venue.page_trades)
    if page_id is None or (venue.past == "by_id" and not by_time):
        return None if page_id is None else (page_id, from_ms)
    newest_ms = page.trades[-1].trade.time_us // 1_000
    return (None, newest_ms) if newest_ms > from_ms else None


async def fetch_newest_trade(
    client: RestClient,
    symbol: str,
    *,
    reference_price: float | None = None,
    now_ms: int | None = None,
) -> HistoricTrade | None:
    """Return the newest trade the exchange knows of; None where nothing has traded.

    Raises NetworkError where the answer is refused, as `fetch_checked` refuses rows.
    """
    page = await _fetch_page(client, symbol, client.venue.rest.newest_trade_request(symbol))
    checked = check_trades(
        page, symbol, page_id=None, from_ms=0, reference_price=reference_price, now_ms=now_ms
    )
    _raise_refused(checked)
    return checked.trades[-1] if checked.trades else None


async def _fetch_page(client: RestClient, symbol: str, request: Request) -> Page:
    """Return the rows of an answer, in base units."""
    if client.venue.in_contracts and symbol not in client.contract_sizes:
        await fetch_market_infos(client, [symbol])
    page = client.venue.rest.parse_trades(symbol, *await client.get(request))
    if not client.venue.in_contracts:
        return page
    size = client.contract_sizes[symbol]
    rows = [row._replace(trade=trade_in_base_units(row.trade, size)) for row in page.trades]
    return page._replace(trades=rows)


async def fetch_klines(
    client: RestClient, symbol: str, interval: str, *, from_ms: int
) -> list[Kline]:
    """Return the exchange's own candles from a time on, one page of them."""
    rest = client.venue.rest
    request = rest.klines_request(symbol, interval, from_ms=from_ms)
    klines = check_klines(rest.parse_klines(symbol, *await client.get(request)), symbol)
    if "close_time_ms" in client.venue.kline_fields:
        return klines
    length_ms = timeframe_ms(interval)  # no answer says it
    return [replace(one, close_time_ms=one.open_time_ms + length_ms - 1) for one in klines]


def _raise_refused(checked: Checked) -> None:
    if checked.refused:
        raise NetworkError(f"{len(checked.refused)} rows are refused: {checked.refused[0]}")
