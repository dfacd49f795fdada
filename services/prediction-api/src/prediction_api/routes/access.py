"""Who may ask, and how often: keys where reading is not open, and a limit for each caller."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Literal

from fastapi import Response
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketstream.errors import StateError
from marketstream.keys import ApiKey
from prediction_api.quick_answers import ADMIT, Client
from prediction_api.routes.answers import problem
from prediction_api.routes.known_keys import KnownKeys
from prediction_api.routes.rate_limit import Header, RateLimit

COOKIE = "realtime_key"
"""Where a browser keeps a key of the dashboard's, if it is told to: links send it too."""

OPEN = frozenset(
    {"", "docs", "static", "openapi.json", "live", "ready", "health", "metrics"}
)  # fmt: skip
"""First parts of the paths that need no key: pages that hold no data, and what probes ask for."""

KEY_NAME = "realtime_key_name"
"""Where the scope of a request has the name of the key it came with."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_ADMIN = frozenset({"keys"})
_CHANGED = frozenset({"models"})  # what an admin may change, and others read
_BEARER = "Bearer "
_MISSING = "send a key as `Authorization: Bearer KEY`: `realtime keys make NAME` makes one"
_UNKNOWN = "the key that was sent is none, or was revoked: `realtime keys list` tells them all"
_NO_ADMIN = "the key reads only, and an admin key is needed: `realtime keys make NAME --admin`"

type Needed = Literal["nothing", "read", "admin"]


class Access:
    """An app that asks callers for a key, unless `open_read`, and counts their requests.

    Where reading is open, a key still gives its holder a count of their own, and what is for
    admins is never open. `limit` is None where anybody may ask as often as they like.
    """

    def __init__(
        self, app: ASGIApp, keys: KnownKeys, *, open_read: bool, limit: RateLimit | None
    ) -> None:
        self._app = app
        self._keys = keys
        self._open_read = open_read
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope.get("method", "GET")  # a WebSocket has none
        needed = "nothing" if scope["type"] == "lifespan" else needed_of(scope["path"], method)
        if self._is_free(needed):
            scope[ADMIT] = _anybody
            await self._app(scope, receive, send)
            return
        headers: list[Header] = []
        refused = await self._refusal(scope, needed, headers)
        scope[ADMIT] = partial(self._admit, needed, _secret_of(dict(scope["headers"])))

        async def with_headers(message: Message) -> None:
            if message["type"].endswith(".response.start"):
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await (refused or self._app)(scope, receive, with_headers if headers else send)

    def _is_free(self, needed: Needed) -> bool:
        if needed == "read":
            return self._open_read and self._limit is None
        return needed == "nothing"

    async def _refusal(
        self, scope: Scope, needed: Needed, headers: list[Header]
    ) -> Response | None:
        """Return why not, None where a request may pass; its count goes into `headers`."""
        secret = _secret_of(dict(scope["headers"]), by_cookie=scope.get("method", "GET") in SAFE)
        try:
            key = None if secret is None else await self._keys.find(secret)
        except StateError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "No store", str(error))
        if key is not None:
            scope[KEY_NAME] = key.name
        if self._limit is not None:
            allowance = self._limit.take(_caller(scope.get("client"), key))
            headers += allowance.headers()
            if allowance.retry_after_s > 0:
                return _too_many(allowance.limit, math.ceil(allowance.retry_after_s))
        if needed == "read" and self._open_read:
            return None
        if key is None:
            answer = problem(401, "No key", _MISSING if secret is None else _UNKNOWN)
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if needed == "admin" and key.role != "admin":
            return problem(HTTPStatus.FORBIDDEN, "No admin key", _NO_ADMIN)
        return None

    def _admit(self, needed: Needed, secret: str | None, client: Client) -> list[Header] | None:
        """Let a request pass once more, and count it; None where it may have to be refused."""
        key = None if secret is None else self._keys.find_now(secret)
        is_known = key is not None or (secret is None and self._open_read)
        if needed == "admin" or not is_known:
            return None
        if self._limit is None:
            return []
        allowance = self._limit.take(_caller(client, key))
        return None if allowance.retry_after_s > 0 else allowance.headers()


def _anybody(_client: Client) -> Sequence[Header]:
    return ()


def rate_limit(per_minute: int) -> RateLimit | None:
    """Return the limit of so many requests a minute; None for 0, which is none."""
    return RateLimit(per_minute, time.monotonic) if per_minute else None


def needed_of(path: str, method: str = "GET") -> Needed:
    """Return which key a path needs, by which method.

    A route also answers to its path with a line feed at the end.
    """
    first = path.rstrip("\n").removeprefix("/").partition("/")[0]
    if first in _ADMIN or (first in _CHANGED and method not in SAFE):
        return "admin"
    return "nothing" if first in OPEN else "read"


def _secret_of(headers: Mapping[bytes, bytes], *, by_cookie: bool = True) -> str | None:
    """Return the secret of a request; what changes something may not come with a mere cookie.

    A browser sends that along whoever has it ask.
    """
    told = headers.get(b"authorization", b"").decode("latin-1")
    if told.startswith(_BEARER):
        return told.removeprefix(_BEARER).strip()
    if not by_cookie:
        return None
    return cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)


def _caller(client: Client, key: ApiKey | None) -> str:
    """Return whose requests are counted together: a key's, or those of an address.

    Of an IPv6 address the network counts, of which one caller has all addresses.
    """
    if key is not None:
        return f"key {key.name}"
    told = "" if client is None else client[0]
    try:
        address = ip_address(told)
    except ValueError:  # a Unix socket has none
        return told
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(int(address) >> 64) if mapped is None else str(mapped)
    return told


def _too_many(limit: int, retry_after_s: int) -> Response:
    detail = f"more than {limit} a minute: ask again in {retry_after_s} s"
    answer = problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", detail)
    answer.headers["Retry-After"] = str(retry_after_s)
    return answer
