"""JSON answers, problem details, and which market a URL means."""

from __future__ import annotations

import msgspec
from fastapi import Request, Response

from marketstream.errors import SettingsError
from marketstream.symbols import parse_symbol, url_symbol
from prediction_api.views.board import PredictionBoard

JSON = "application/json"
_PROBLEM = "application/problem+json"


class NoSuchSymbolError(Exception):
    """A URL names a symbol that is none, or is not followed; the message says which are."""


def followed(board: PredictionBoard, symbol: str) -> tuple[str, str]:
    """Return the unified symbol and the market that a URL names, or raise NoSuchSymbolError."""
    try:
        unified = parse_symbol(symbol)
    except SettingsError as error:
        raise NoSuchSymbolError(f"{error}; in a URL like BTC-USDT") from error
    market = board.market_of(unified)
    if market is None:
        known = ", ".join(url_symbol(known) for known in board.symbols)
        raise NoSuchSymbolError(f"{unified} is not followed here; there is {known}")
    return unified, market


async def no_such_symbol(_request: Request, error: Exception) -> Response:
    """Answer NoSuchSymbolError."""
    return problem(404, "No such symbol", str(error))


def json_answer(body: object, status: int = 200) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, media_type=JSON)


def problem(status: int, title: str, detail: str, **more: object) -> Response:
    """Return problem details as RFC 9457 has them."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=_PROBLEM)
