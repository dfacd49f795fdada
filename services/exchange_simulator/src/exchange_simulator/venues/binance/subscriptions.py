"""The control protocol of the market streams: one connection's subscriptions, with no socket.

Names of streams are taken as they come, as Binance does: one that does not exist stays silent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from exchanges.binance import wire

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_ID = re.compile(r"[-0-9A-Za-z]{0,36}")  # its own connector sends UUIDs

type _Json = object


class _RefusedError(Exception):
    """A request that is answered with an error body."""

    def __init__(self, code: int, message: str, *, echo_id: bool = False) -> None:
        super().__init__(message)
        self.body: dict[str, _Json] = {"code": code, "msg": message}
        self.echo_id = echo_id


class Subscriptions:
    """What one connection is subscribed to, and if its frames are wrapped (`combined`)."""

    def __init__(self, streams: Iterable[str] = (), *, combined: bool = False) -> None:
        self.streams = list(dict.fromkeys(streams))
        self.combined = combined

    def handle(self, text: str) -> str:
        """Take one control message, change what it asks for, and return the answer."""
        request: _Json = None
        try:
            request = _parse(text)
            result = self._do(request, text)
        except _RefusedError as refusal:
            body = refusal.body
            if refusal.echo_id and isinstance(request, dict):
                body = {**body, "id": request["id"]}
            return _dump(body)
        return _dump({"result": result, "id": request["id"]})

    def _do(self, request: dict[str, _Json], text: str) -> _Json:
        method = _method(request, text)
        if not _valid_id(request):
            raise _invalid("request ID must be an unsigned integer")
        params = request.get("params", [])
        if not isinstance(params, list):
            raise _invalid("params must be an array")
        if method == "LIST_SUBSCRIPTIONS":
            _refuse_more_than(0, params)
            return list(self.streams)
        if method == "SET_PROPERTY":
            _refuse_more_than(2, params)
            _known_property(params)
            if len(params) < 2 or not isinstance(params[1], bool):
                raise _RefusedError(1, "Invalid value type: expected Boolean")
            self.combined = params[1]
            return None
        if method == "GET_PROPERTY":
            _refuse_more_than(1, params)
            _known_property(params)
            return self.combined
        names = [name for name in params if isinstance(name, str)]
        if len(names) < len(params):
            raise _invalid("stream names must be strings")
        if method == "SUBSCRIBE":
            streams = list(dict.fromkeys([*self.streams, *names]))
            if len(streams) > wire.MOST_STREAMS:
                raise _invalid(
                    f"too many streams; a connection listens to {wire.MOST_STREAMS} at most"
                )
            self.streams = streams
        else:
            self.streams = [stream for stream in self.streams if stream not in names]
        return None


def _parse(text: str) -> dict[str, _Json]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"Invalid JSON: expected value at line {error.lineno} column {error.colno}"
        raise _RefusedError(3, message) from error
    except (RecursionError, ValueError) as error:  # a number may have too many digits for Python
        raise _RefusedError(3, "Invalid JSON: nested too deep or number too long") from error
    if not isinstance(request, dict):
        raise _invalid(f"expected an object at line 1 column {len(text)}")
    return request


def _method(request: dict[str, _Json], text: str) -> str:
    method = request.get("method")
    if "method" not in request:
        raise _invalid(f"missing field `method` at line 1 column {len(text)}")
    if not isinstance(method, str) or method not in _METHODS:
        expected = ", ".join(f"`{name}`" for name in _METHODS)
        column = text.find(str(method)) + len(str(method)) + 1
        raise _invalid(
            f"unknown variant `{method}`, expected one of {expected} at line 1 column {column}"
        )
    return method


def _valid_id(request: dict[str, _Json]) -> bool:
    id_ = request.get("id", False)
    if id_ is None:
        return True
    if isinstance(id_, str):
        return _ID.fullmatch(id_) is not None
    return isinstance(id_, int) and not isinstance(id_, bool) and -(1 << 63) <= id_ < 1 << 63


def _known_property(params: list[_Json]) -> None:
    if not params or not isinstance(params[0], str):
        raise _invalid("property name must be a string")
    if params[0] != "combined":
        raise _RefusedError(0, "Unknown property", echo_id=True)


def _refuse_more_than(count: int, params: list[_Json]) -> None:
    if len(params) > count:
        raise _invalid("too many parameters")


def _invalid(message: str) -> _RefusedError:
    return _RefusedError(2, f"Invalid request: {message}")


def _dump(body: dict[str, _Json]) -> str:
    return json.dumps(body, separators=(",", ":"))
