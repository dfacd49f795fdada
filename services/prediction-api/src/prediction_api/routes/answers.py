"""JSON answers and problem details, and how the schema tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response

JSON = "application/json"
_PROBLEM = "application/problem+json"
OF_NOW = {"Cache-Control": "no-store"}
"""The headers of what is another a moment later."""

KEPT = {"Cache-Control": "no-cache"}
"""The headers of what is stored, and may be kept by who asks each time whether it holds."""

type Answers = dict[int | str, dict[str, Any]]
_OF_A_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def answers(model: object, told: Mapping[int, str], example: object = None) -> Answers:
    """Return what the schema says of a route: what it answers, and which problems there may be."""
    answered: dict[str, Any] = {"model": model}
    if example is not None:
        answered["content"] = {JSON: {"example": example}}
    return {200: answered, **problems(told)}


def struct_answers(kind: object, told: Mapping[int, str]) -> Answers:
    """Return the same of a route that answers with structs, which `describe` is to know of."""
    (schema,), _ = schemas_of([kind])
    return {200: {"content": {JSON: {"schema": schema}}}, **problems(told)}


def schemas_of(kinds: Sequence[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return the schema of each kind, and the components they refer to."""
    return msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")


def text_answers(media_type: str, told: Mapping[int, str]) -> dict[str, Any]:
    """Return the same of a route that answers with text of a kind, as arguments of the route."""
    answered: dict[str, object] = {"content": {media_type: {}}}
    return {"responses": {200: answered, **problems(told)}, "response_class": Response}


def problems(told: Mapping[int, str]) -> Answers:
    """Return what the schema says of problems; 422 is one of every route."""
    every = {422: "A parameter is unknown, or its value makes no sense", **told}
    return {status: _problem_answer(status, why) for status, why in every.items()}


def _problem_answer(status: int, why: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status, "detail": why}
    content = {_PROBLEM: {"schema": _OF_A_PROBLEM, "example": example}}
    return {"description": why, "content": content}


def too_many_streams(most: int) -> Response:
    """Return the refusal of one stream too many."""
    return problem(503, "Too many streams", f"{most} are open: close one")


def json_answer(body: object, status: int = 200, *, kept: bool = False) -> Response:
    """Return JSON; what is `kept` may be, by who asks each time whether it still holds."""
    headers = KEPT if kept else OF_NOW
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=JSON)


def problem(status: int, title: str, detail: str, **more: object) -> Response:
    """Return problem details as RFC 9457 has them."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    headers = {**OF_NOW, "Retry-After": "5"} if status == 503 else OF_NOW
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=_PROBLEM)
