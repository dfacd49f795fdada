"""HTTP: answers as bytes, problems as errors, streams as events."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec

from realtime_client.errors import ApiError, ClientError, NotReachableError

_SILENCE_S = 40.0  # the API says something every 15 s
_MOST_OF_A_PROBLEM = 65_536
_NEXT = re.compile(r'<([^>]+)>; rel="next"')


class Event(NamedTuple):
    """An event of a stream."""

    id: str | None
    name: str
    data: bytes


class _Problem(msgspec.Struct):
    title: str = "Refused"
    detail: str = ""


class Transport:
    """Asks one API, with a key where there is one."""

    def __init__(self, url: str, key: str | None, timeout_s: float) -> None:
        if not url.startswith(("http://", "https://")):
            raise ClientError(f"{url!r} is no URL of an API: write http://localhost:8000")
        self._url = url.rstrip("/")
        self._key = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._timeout_s = timeout_s

    def get(
        self,
        path: str,
        asked: Mapping[str, object] | None = None,
        *,
        method: str = "GET",
        within_s: float | None = None,
    ) -> bytes:
        """Return what a path, or a whole URL of this API, answers."""
        return self._read(path, asked or {}, method, within_s or self._timeout_s)[0]

    def page(self, path: str, asked: Mapping[str, object]) -> tuple[bytes, str | None]:
        """Return what a path answers, and the URL of the page after it, if there is one."""
        body, link = self._read(path, asked, "GET", self._timeout_s)
        found = _NEXT.search(link)
        return body, None if found is None else found[1]

    def _read(
        self, path: str, asked: Mapping[str, object], method: str, within_s: float
    ) -> tuple[bytes, str]:
        with self._open(path, asked, {}, within_s, method) as answer:
            try:
                return bytes(answer.read()), answer.headers.get("Link", "")
            except (OSError, http.client.HTTPException) as error:
                raise NotReachableError(f"{self._url} broke off: {error}") from error

    def events(self, path: str, asked: Mapping[str, object], after: str | None) -> Iterator[Event]:
        """Yield the events of a stream until it ends; NotReachableError where it is cut off."""
        headers = {} if after is None else {"Last-Event-ID": after}
        with self._open(path, asked, headers, _SILENCE_S) as answer:
            fields: dict[str, str] = {}
            try:
                for line in answer:
                    text = line.decode().rstrip("\n")
                    if text:
                        name, _, value = text.partition(": ")
                        fields[name] = value
                        continue
                    if "data" in fields:
                        yield Event(
                            fields.get("id"), fields.get("event", ""), fields["data"].encode()
                        )
                    fields = {}
            except (OSError, http.client.HTTPException) as error:
                raise NotReachableError(f"{self._url} broke off: {error}") from error

    def _open(
        self,
        path: str,
        asked: Mapping[str, object],
        headers: Mapping[str, str],
        timeout_s: float,
        method: str = "GET",
    ) -> http.client.HTTPResponse:
        url = path if path.startswith(self._url) else f"{self._url}{path}"
        given = {name: value for name, value in asked.items() if value is not None}
        if given:
            url = f"{url}?{urlencode(given, doseq=True)}"
        try:
            all_headers = {**self._key, **headers}
            request = Request(url, headers=all_headers, method=method)  # noqa: S310 - http or https, see above
            answer: http.client.HTTPResponse = urlopen(request, timeout=timeout_s)  # noqa: S310
        except HTTPError as error:
            with error:
                raise _refusal(error.code, error.read(_MOST_OF_A_PROBLEM)) from None
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise NotReachableError(f"{self._url} does not answer: {reason}") from None
        return answer


def _refusal(status: int, body: bytes) -> ApiError:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem(detail=body[:200].decode(errors="replace"))
    return ApiError(status, problem.title, problem.detail)
