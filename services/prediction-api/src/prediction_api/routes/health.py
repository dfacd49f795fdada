"""The routes that tell how things are: health for people and probes, metrics for Prometheus."""

from __future__ import annotations

from fastapi import FastAPI, Response

from prediction_api.routes.answers import Answers, answers, json_answer, text_answers
from prediction_api.views.board import PredictionBoard
from prediction_api.views.market_views import MarketViews

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_WORST_FIRST = ("stale", "stalled", "connecting", "ended", "warming up")
_UNFIT = ("stale", "stalled")
_OF_HEALTH: Answers = {
    **answers(dict[str, object], {}),
    503: {"model": dict[str, object], "description": "The same, where no market can be served"},
}
_OF_READINESS: Answers = {
    **answers(dict[str, list[str]], {}),
    503: {"model": dict[str, list[str]], "description": "No market has predictions of now"},
}
_FIT = ("ok", "warming up", "ended")


def add_health_routes(app: FastAPI, views: MarketViews) -> None:
    """Add `/health`, `/live`, `/ready` and `/metrics`."""
    board, overview = views.board, views.overview

    @app.get("/health", responses=_OF_HEALTH)
    async def health() -> Response:
        """Return the state of each market by `venue:SYMBOL`; 503 where none can be served."""
        states = {market: board.state(market) for market in board.markets}
        markets = {
            market: {
                "status": state,
                "data_age_ms": _age_ms(board, market),
                **overview.details(market),
            }
            for market, state in states.items()
        }
        unfit = {state: [m for m in states if states[m] == state] for state in _UNFIT}
        worst = next((state for state in _WORST_FIRST if state in states.values()), "ok")
        is_fit = not any(unfit.values()) or any(state in _FIT for state in states.values())
        body = {"status": worst, **unfit, "markets": markets}
        return json_answer(body, 200 if is_fit else 503)

    @app.get("/live", responses=answers(dict[str, str], {}))
    async def live() -> Response:
        """Answer as long as the process does, whatever the markets do."""
        return json_answer({"status": "ok"})

    @app.get("/ready", responses=_OF_READINESS)
    async def ready() -> Response:
        """Return which markets have predictions that are of now; 503 while none has."""
        fresh = [market for market in board.markets if board.state(market) == "ok"]
        return json_answer({"ready": fresh}, 200 if fresh else 503)

    @app.get("/metrics", **text_answers("text/plain", {}))
    async def metrics() -> Response:
        """Return the Prometheus metrics."""
        return Response(views.render_metrics(), media_type=_PROMETHEUS)


def _age_ms(board: PredictionBoard, market: str) -> int | None:
    age = board.age(market)
    return None if age is None else age.age_ms
