"""JSON answers and problem details."""

from __future__ import annotations

import msgspec
from fastapi import Response

JSON = "application/json"
_PROBLEM = "application/problem+json"


def json_answer(body: object, status: int = 200) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, media_type=JSON)


def problem(status: int, title: str, detail: str, **more: object) -> Response:
    """Return problem details as RFC 9457 has them."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=_PROBLEM)
