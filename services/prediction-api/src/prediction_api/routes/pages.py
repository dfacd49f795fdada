"""What was, out of the store, a page of time at a time: as JSON, as CSV or as Arrow."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from fastapi import Depends, Query, Request, Response

from marketstream.errors import SettingsError
from marketstream.moments import iso, moment_ms
from marketstream.store.port import Store
from marketstream.timeframes import timeframe_ms
from prediction_api.routes.answers import JSON, KEPT, Answers, json_answer, problems, schemas_of
from prediction_api.routes.arrow import ARROW, arrow_of
from prediction_api.routes.parameters import MOMENT

_MOMENT = f"{MOMENT}; without `from` it is the last page before `to`, without both the newest"
_MOST = 5_000
CSV = "text/csv"
_BYTES = {"type": "string", "format": "binary"}


class Asked(NamedTuple):
    """What was asked for: `since` and `until` as people write moments."""

    since: str | None
    until: str | None
    limit: int
    format: str


def asked(
    since: Annotated[str | None, Query(alias="from", description=_MOMENT)] = None,
    until: Annotated[str | None, Query(alias="to", description=_MOMENT)] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="so many closes at the most")] = 500,
    form: Annotated[
        Literal["json", "csv", "arrow"],
        Query(alias="format", description="csv comes with a header, arrow is a stream of its IPC"),
    ] = "json",
) -> Asked:
    """Return which page a URL asks for."""
    return Asked(since, until, limit, form)


type PageAsked = Annotated[Asked, Depends(asked)]


class Window(NamedTuple):
    """A page of time, `[from_ms, to_ms)`; `next_ms` is where the next one begins, if one does."""

    from_ms: int
    to_ms: int
    next_ms: int | None


class Page[Row](msgspec.Struct, frozen=True):
    """Rows of `[from_ms, to_ms)` in order of time; `next` is the URL of the page after it."""

    market: str
    timeframe: str
    from_ms: int
    to_ms: int
    next: str | None
    rows: Sequence[Row]


def page_answers(*kinds: type) -> Answers:
    """Return what the schema says of a route that answers with pages of one of some kinds."""
    schemas, _ = page_schemas(kinds)
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
    why = {404: "Nobody follows this market", 503: "The store is out of reach"}
    kept = {"description": "The caller has it, as If-None-Match says"}
    content = {JSON: {"schema": schema}, CSV: {}, ARROW: {"schema": _BYTES}}
    return {200: {"content": content}, 304: kept, **problems(why)}


def page_schemas(kinds: Sequence[type]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return the schema of a page of each kind of row, and the components they refer to."""
    pages: list[Any] = [Page[kind] for kind in kinds]  # type: ignore[valid-type]
    return schemas_of(pages)


def window_of(asked: Asked, timeframe: str, now_ms: int) -> Window:
    """Return which page of time is asked for; raises SettingsError where it makes no sense."""
    length_ms = asked.limit * timeframe_ms(timeframe)
    until_ms = now_ms if asked.until is None else moment_ms(asked.until, now_ms)
    if asked.since is None:
        return Window(until_ms - length_ms, until_ms, None)
    from_ms = moment_ms(asked.since, now_ms)
    if from_ms >= until_ms:
        raise SettingsError(f"from {asked.since} is not before {asked.until or 'now'}")
    to_ms = min(until_ms, from_ms + length_ms)
    return Window(from_ms, to_ms, to_ms if to_ms < until_ms else None)


async def page_of[Row: msgspec.Struct](
    request: Request,
    kind: type[Row],
    market: str,
    timeframe: str,
    asked: Asked,
    store: Callable[[], Store],
    read: Callable[[Store, Window], Sequence[Row]],
) -> Response:
    """Answer with a page of a kind of row, of what `read` finds in the store, in a thread."""
    window = window_of(asked, timeframe, time.time_ns() // 1_000_000)
    rows = await asyncio.to_thread(lambda: read(store(), window))
    url = None
    if window.next_ms is not None:
        url = str(request.url.include_query_params(**{"from": iso(window.next_ms)}))
    links = KEPT if url is None else {**KEPT, "Link": f'<{url}>; rel="next"'}
    if asked.format == "arrow":
        body = await asyncio.to_thread(arrow_of, kind, rows)
        return Response(body, media_type=ARROW, headers=links)
    if asked.format == "csv":
        text = await asyncio.to_thread(as_csv, rows)
        return Response(text, media_type=f"{CSV}; charset=utf-8", headers=links)
    page = Page(market, timeframe, window.from_ms, window.to_ms, url, rows)
    return await asyncio.to_thread(json_answer, page, kept=True)


def as_csv(rows: Iterable[object]) -> str:
    """Return rows as CSV, `values` by their names, without what else has parts of its own."""
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        told = msgspec.to_builtins(row)
        told |= told.pop("values", {})  # each a column of its own
        values = {name: v for name, v in told.items() if not isinstance(v, dict | list)}
        if writer is None:
            writer = csv.DictWriter(out, list(values), extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
        writer.writerow(values)
    return out.getvalue()
