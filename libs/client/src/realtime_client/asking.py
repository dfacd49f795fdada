"""What all calls have in common: an API that is asked, and pages of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

import msgspec

from realtime_client.transport import Transport

_LIMIT = 5_000  # closes of a page
_ARROW = {"format": "arrow", "limit": _LIMIT}


class Page[Row](msgspec.Struct, frozen=True):
    """Rows, and the URL of the page after them."""

    next: str | None
    rows: list[Row]


class Asking:
    """Asks a running system's API at `url`; calls may come from any thread.

    Where reading is not open, `key` says who asks. Where it refuses, ApiError says why; where it
    cannot be reached, NotReachableError.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._transport = Transport(url, key, timeout_s)

    def _ask[Answer](
        self, kind: type[Answer], path: str, asked: Mapping[str, object] | None = None
    ) -> Answer:
        return msgspec.json.decode(self._transport.get(path, asked), type=kind)

    def _pages[Row](
        self, path: str, asked: Mapping[str, object], kind: type[Page[Row]]
    ) -> Iterator[Row]:
        url: str | None = path
        given = {**asked, "limit": _LIMIT}
        while url is not None:
            page = msgspec.json.decode(self._transport.get(url, given), type=kind)
            yield from page.rows
            url, given = page.next, {}

    def _arrow(self, path: str, asked: Mapping[str, object]) -> Iterator[bytes]:
        url: str | None = path
        given = {**asked, **_ARROW}
        while url is not None:
            body, url = self._transport.page(url, given)
            yield body
            given = {}


def path_of(symbol: str) -> str:
    """Return a symbol as URLs have it: BTC/USDT becomes BTC-USDT, a venue stays before it."""
    venue, separator, rest = symbol.partition(":")
    if separator and "/" in rest and "/" not in venue:  # binance:BTC/USDT
        return f"{quote(venue)}/{quote(rest.replace('/', '-'), safe=':')}"
    return quote(symbol, safe="/:")
