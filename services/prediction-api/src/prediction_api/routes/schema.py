"""What `/openapi.json` says of every route alike: who may ask it, and how it refuses."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from marketstream.champions import ChampionChanged
from marketstream.explanation import Explanation
from marketstream.messages import Candle
from marketstream.score_windows import RollingScores
from prediction_api.routes.access import COOKIE, SAFE, needed_of
from prediction_api.routes.answers import problems, schemas_of
from prediction_api.routes.examples.composed import add_answer_example, add_examples
from prediction_api.routes.history import Judged
from prediction_api.routes.indicators import IndicatorsAt
from prediction_api.routes.pages import page_schemas
from prediction_api.views.moves import JudgedMove
from prediction_api.views.status_lines import HorizonStatus

_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "`realtime keys make NAME`"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
_ROWS = (Candle, Judged, JudgedMove, IndicatorsAt)
_STRUCTS = (Explanation, HorizonStatus, ChampionChanged, RollingScores)
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")
_BAD_PARAMETER = problems({})
_OF_A_MARKET = problems(
    {
        300: "Several venues have the symbol: choose one of `choices`",
        404: "Nobody follows this market",
    }
)
_EXAMPLES = {
    "symbol": {"description": "such as BTC-USDT or BTCUSDT", "example": "BTC-USDT"},
    "venue": {"description": "the exchange, as /symbols names it", "example": "binance"},
}
_REFUSALS = problems(
    {401: "No key, or one that is none", 429: "Too many requests: `Retry-After` says when again"}
)
_OF_ADMINS = problems({403: "A key that reads only"})
_GROUPS = {
    "Predictions": ("what will be, what was said and what came of it", "predictions"),
    "Candles and indicators": ("what was seen, as models see it", "candles indicators symbols"),
    "Models and scores": ("who serves, and how good each is", "models scoreboard"),
    "Integrity": ("what is proven of a market, and what is missing", "integrity"),
    "Charts": ("TradingView's UDF, for its widgets and others'", "udf"),
    "Dashboard": ("what its pages live on", "view stream"),
    "System": ("how it is, who may ask, and what there is to ask for", ""),
}
_GROUP_OF = {first: name for name, (_, firsts) in _GROUPS.items() for first in firsts.split()}


def describe(app: FastAPI) -> None:
    """Have the schema of an app tell of keys, where they are needed or may be."""
    made = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            components = schema.setdefault("components", {})
            components["securitySchemes"] = _SCHEMES
            schemas = components.setdefault("schemas", {})
            schemas.update(page_schemas(_ROWS)[1] | schemas_of(_STRUCTS)[1])
            for unused in _OF_FASTAPI:
                schemas.pop(unused, None)
            add_examples(schemas)
            schema["tags"] = [
                {"name": name, "description": about} for name, (about, _) in _GROUPS.items()
            ]
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _describe(path, method.upper(), operation)
                    add_answer_example(path, operation, schemas)
        return made()

    app.openapi = described  # type: ignore[method-assign]


def _describe(path: str, method: str, operation: dict[str, Any]) -> None:
    words = [word for word in path.split("/") if word and "{" not in word]
    operation["tags"] = [_GROUP_OF.get(words[0] if words else "", "System")]
    of = " of a symbol at an exchange" if "{venue}" in path else " of a symbol"
    named = " ".join(words).capitalize() or "Dashboard"
    operation["summary"] = named + (of if "{symbol}" in path else "")
    told = dict(_BAD_PARAMETER)
    if "{symbol}" in path:
        told |= _OF_A_MARKET
        for parameter in operation["parameters"]:
            parameter |= _EXAMPLES.get(parameter["name"], {})
    needed = needed_of(path, method)
    if needed != "nothing":
        keys: list[dict[str, list[str]]] = [{"key": []}]
        if method in SAFE:
            keys.append({"cookie": []})
        operation["security"] = keys if needed == "admin" else [*keys, {}]
        told |= _REFUSALS | (_OF_ADMINS if needed == "admin" else {})
    responses = operation["responses"]
    responses.pop("422", None)  # as FastAPI would answer
    for status, answer in told.items():
        responses.setdefault(str(status), answer)
