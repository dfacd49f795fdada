"""Clients that leave before they are answered: nothing is done for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Receive

LEFT = 499
"""The status that is counted of a request whose client left; nobody is told it."""


class ClientLeftError(Exception):
    """Who asked is gone."""


async def until_left(receive: Receive) -> None:
    """Return once the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_there[Answer](receive: Receive, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what some work returns; ClientLeftError where the client leaves, and it is given up.

    It has ended then, as it has where who awaits this is cancelled.
    """
    doing, leaving = asyncio.create_task(work), asyncio.create_task(until_left(receive))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ClientLeftError
    finally:
        doing.cancel()
        leaving.cancel()
        await asyncio.wait({doing, leaving})
        if not doing.cancelled():
            doing.exception()  # where nobody is there, nobody is told
