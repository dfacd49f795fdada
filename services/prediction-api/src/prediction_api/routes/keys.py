"""The route of who has a key, for admins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI, Response

from marketstream.keys import KeyRole
from marketstream.store.port import Store
from prediction_api.routes.answers import answers, json_answer


@dataclass(frozen=True, slots=True)
class KnownKey:
    """Who has a key, what it opens, and since when; the secret nobody knows."""

    name: str
    role: KeyRole
    made_at_ms: int


def add_key_routes(app: FastAPI, store: Callable[[], Store]) -> None:
    """Add `/keys`."""

    @app.get("/keys", responses=answers(list[KnownKey], {503: "The store is out of reach"}))
    async def keys() -> Response:
        """Return which keys there are, by name; only an admin's key opens it."""
        found = await asyncio.to_thread(lambda: store().api_keys())
        return json_answer([KnownKey(key.name, key.role, key.made_at_ms) for key in found])
