"""A venue's REST API over HTTP: limits and faults before it, errors after it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from aiohttp import web

from exchange_simulator.faults.rest import RestFaults
from exchange_simulator.serving.limits import WeightLimit
from exchange_simulator.serving.port import RefusedError, Route, VenueServer


class RestServer:
    """The routes of a venue; each address may ask for what the allowance says."""

    def __init__(self, venue: VenueServer, faults: RestFaults | None = None) -> None:
        allowance = venue.allowance
        self._venue = venue
        self._faults = faults
        self._limits: defaultdict[str | None, WeightLimit] = defaultdict(
            lambda: WeightLimit(allowance.weight, allowance.seconds, bans=allowance.bans)
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of an aiohttp application."""
        return [web.get(route.path, self._handler(route)) for route in self._venue.routes()]

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            limit = self._limits[request.remote]
            refusal = limit.charge(route.weight, time.time())
            if self._faults is not None and (fault := await self._faults.refused()) is not None:
                return fault
            status = 200
            try:
                if refusal is not None:
                    raise self._venue.over_limit(limit, refusal)
                body, headers = await route.answer(request)
                if self._faults is not None:
                    body = self._faults.spoilt(body)
            except RefusedError as error:
                status, body, headers = error.status, error.body, error.headers
            return web.Response(
                status=status,
                body=body,
                headers={**self._venue.limit_headers(limit), **headers},
                content_type="application/json",
            )

        return handle
