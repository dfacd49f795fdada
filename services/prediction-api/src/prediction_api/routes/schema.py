"""What `/openapi.json` says of every route alike: who may ask it, and how it refuses."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from prediction_api.routes.access import COOKIE, needed_of
from prediction_api.routes.answers import problems

_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "`realtime keys make NAME`"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
_REFUSALS = problems(
    {401: "No key, or one that is none", 429: "Too many requests: `Retry-After` says when again"}
)
_OF_ADMINS = problems({403: "A key that reads only"})


def describe(app: FastAPI) -> None:
    """Have the schema of an app tell of keys, where they are needed or may be."""
    made = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schema.setdefault("components", {})["securitySchemes"] = _SCHEMES
            for path, operations in schema["paths"].items():
                for operation in operations.values():
                    _describe(path, operation)
        return made()

    app.openapi = described  # type: ignore[method-assign]


def _describe(path: str, operation: dict[str, Any]) -> None:
    needed = needed_of(path)
    if needed == "nothing":
        return
    keys: list[dict[str, list[str]]] = [{"key": []}, {"cookie": []}]
    operation["security"] = keys if needed == "admin" else [*keys, {}]
    told = {**_REFUSALS, **(_OF_ADMINS if needed == "admin" else {})}
    for status, answer in told.items():
        operation["responses"].setdefault(str(status), answer)
