"""The routes of the pages, the dashboard and that of the API's routes, and of their bundle."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse

from prediction_api.routes.answers import problem
from prediction_api.routes.markets import short_paths
from prediction_api.views.market_views import MarketViews

BUNDLE = Path(__file__).parents[1] / "static"
_LONGEST_NAME = 255  # bytes, of a file
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    # The chart library styles its elements by itself; all else is in the bundle, nothing outside.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}


def add_dashboard_routes(app: FastAPI, views: MarketViews, bundle: Path) -> None:
    """Add `/`, `/docs` and `/static`."""
    not_built = _not_built([f"/predictions/{p}" for p in short_paths(views.board.markets).values()])

    def page(name: str) -> Response:
        path = bundle / name
        if not path.exists():
            return HTMLResponse(not_built, 503)
        return FileResponse(path, headers=_PAGE_HEADERS)

    @app.get("/", include_in_schema=False)
    async def dashboard() -> Response:
        return page("index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return page("docs.html")

    @app.get("/static/{name}", include_in_schema=False)
    async def bundled(name: str) -> Response:
        path = bundle / name
        if name.startswith(".") or len(name.encode()) > _LONGEST_NAME or not path.is_file():
            return problem(404, "No such file", f"{name} is not part of the dashboard")
        # The names do not change with the content, so a browser has to ask each time.
        return FileResponse(path, headers={"Cache-Control": "no-cache"})


def _not_built(predictions: list[str]) -> str:
    links = [*predictions, "/health", "/routes", "/openapi.json"]
    items = "".join(f'<li><a href="{link}">{link}</a>' for link in links)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Dashboard not built</title>'
        "<p>The dashboard is not built yet: run <code>make dashboard</code> in the checkout, then "
        f"load this page again. Everything else is served meanwhile:<ul>{items}</ul></html>\n"
    )
