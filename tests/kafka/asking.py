"""What an API answers, and the shape of it: keys and types, whatever the values."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

type Shape = Mapping[str, frozenset[str]]
"""Kinds of value by path; null is no kind: it is what any value may be for a while."""

_PATIENCE_S = 10.0
_OF_THE_MOMENT = {"date", "content-length", "etag", "last-modified"}
_STREAMED_S = 4.0  # some closes, previews between them, and lines of status


class Answer(NamedTuple):
    """An answer without what differs from moment to moment in its headers."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def ask(base: str, path: str, method: str = "GET") -> Answer:
    """Ask an API; OSError where it does not answer at all."""
    request = urllib.request.Request(base + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            return Answer(answer.status, _headers(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _headers(error.headers), error.read())


def listen(base: str, path: str) -> tuple[Answer, dict[str, Shape]]:
    """Follow a stream for some seconds; return its head, and the shape of each kind of event."""
    kinds: dict[str, Shape] = {}
    until_s = time.monotonic() + _STREAMED_S
    stream = urllib.request.urlopen(base + path, timeout=_PATIENCE_S)
    with closing(stream):
        name = ""
        while time.monotonic() < until_s:
            line = stream.readline().decode()
            if line.startswith("event: "):
                name = line.removeprefix("event: ").strip()
            elif line.startswith("data: "):
                found = shape_of(json.loads(line.removeprefix("data: ")))
                kinds[name] = joined(kinds.get(name, {}), found)
        return Answer(stream.status, _headers(stream.headers), b""), kinds


def shape_of(value: Any) -> Shape:
    """Return the shape of a decoded JSON document; all elements of an array share their paths."""
    shape: dict[str, set[str]] = {}
    for path, kind in _walk("", value):
        shape.setdefault(path, set()).update(() if kind == "null" else (kind,))
    return {path: frozenset(kinds) for path, kinds in shape.items()}


def joined(one: Shape, two: Shape) -> Shape:
    """Return the shape of what has been of the one shape and of the other."""
    nothing: frozenset[str] = frozenset()
    return {path: one.get(path, nothing) | two.get(path, nothing) for path in {*one, *two}}


def families(metrics: str) -> set[str]:
    """Return the names of metrics of which there is a sample."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics, re.MULTILINE))
    samples = re.findall(r"^(\w+)(?:\{| )", metrics, re.MULTILINE)
    return {
        sample.removesuffix(suffix)
        for sample in samples
        for suffix in ("", "_bucket", "_sum", "_count")
        if sample.endswith(suffix) and sample.removesuffix(suffix) in types
    }


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            yield path, "object"
            for key, each in value.items():
                yield from _walk(f"{path}/{key}", each)
        case [first, *_] if all(isinstance(row, list) for row in value) and first:
            yield path, "array"
            for row in value:
                for column, each in enumerate(row):
                    yield from _walk(f"{path}/{column}", each)
        case list():
            yield path, "array"
            for each in value:
                yield from _walk(f"{path}/*", each)
        case bool():
            yield path, "bool"
        case int() | float():
            yield path, "number"
        case str():
            yield path, "text"
        case _:
            yield path, "null"


def _headers(found: Any) -> dict[str, str]:
    headers = {name.lower(): value for name, value in found.items()}
    return {name: value for name, value in headers.items() if name not in _OF_THE_MOMENT}
