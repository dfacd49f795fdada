"""Faults at a word over HTTP, their log, and the ledger of what was truly traded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from exchange_simulator.faults.numbering import NumberedTape
from exchange_simulator.faults.plan import Faults
from marketstream.errors import SettingsError

_MOST_ROWS = 100_000


class ControlApi:
    """The routes under `/simulator`, which no exchange has."""

    def __init__(
        self, faults: Faults, tapes: Mapping[str, NumberedTape], now_us: Callable[[], int]
    ) -> None:
        self._faults = faults
        self._tapes = tapes
        self._now_us = now_us

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of an aiohttp application."""
        return [
            web.get("/simulator/faults", self._log),
            web.post("/simulator/faults/{kind}", self._begin),
            web.delete("/simulator/faults/{kind}", self._end),
            web.get("/simulator/ledger/{symbol:.+}", self._ledger),
        ]

    async def _log(self, _: web.Request) -> web.Response:
        return web.json_response(self._faults.log())

    async def _begin(self, request: web.Request) -> web.Response:
        try:
            fault = self._faults.begin(
                request.match_info["kind"],
                request.query.get("symbol"),
                _number(request, "seconds"),
                _number(request, "share"),
            )
        except SettingsError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(fault.row())

    async def _end(self, request: web.Request) -> web.Response:
        try:
            ended = self._faults.end(request.match_info["kind"], request.query.get("symbol"))
        except SettingsError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"ended": ended})

    async def _ledger(self, request: web.Request) -> web.Response:
        symbol = request.match_info["symbol"]
        try:
            first_id = int(_number(request, "from_id") or 0)
            limit = min(int(_number(request, "limit") or 1_000), _MOST_ROWS)
            epoch = int(_number(request, "epoch") or 0)
        except SettingsError as error:
            return web.json_response({"error": str(error)}, status=400)
        tape = self._tapes.get(symbol)
        if tape is None:
            names = ", ".join(self._tapes)
            error_ = f"no market is called {symbol!r} here: there are {names}"
            return web.json_response({"error": error_}, status=404)
        epochs = tape.epochs()
        if not 0 <= epoch < len(epochs):
            error_ = f"{symbol} has no epoch {epoch}: the last is {len(epochs) - 1}"
            return web.json_response({"error": error_}, status=404)
        trades = tape.ledger(first_id, limit, self._now_us(), epoch)
        return web.json_response({"symbol": symbol, "epochs": epochs, "trades": trades})


def _number(request: web.Request, name: str) -> float | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"{name} {text!r} is no number") from error
