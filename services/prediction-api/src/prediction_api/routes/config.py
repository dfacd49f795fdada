"""The route of the settings in use."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import FastAPI, Response

from marketstream.plan import Plan
from prediction_api.routes.answers import answers, json_answer
from prediction_api.settings import ApiSettings


def add_config_route(app: FastAPI, plan: Plan, settings: ApiSettings) -> None:
    """Add `/config`."""

    @app.get("/config", responses=answers(dict[str, dict[str, object]], {}))
    async def config() -> Response:
        """Return the settings in use: what all services predict (`plan`), and those of the `api`.

        None of them is a secret.
        """
        return json_answer({"plan": asdict(plan), "api": settings.model_dump(mode="json")})
