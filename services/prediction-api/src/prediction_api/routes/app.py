"""The app: every group of routes on the same views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI

from marketstream.metrics import Metrics
from marketstream.store.port import Store
from prediction_api.routes.dashboard import BUNDLE, add_dashboard_routes
from prediction_api.routes.health import add_health_routes
from prediction_api.routes.integrity import add_integrity_routes
from prediction_api.routes.markets import (
    NoSuchMarketError,
    SeveralMarketsError,
    no_such_market,
    several_markets,
)
from prediction_api.routes.predictions import add_prediction_routes
from prediction_api.routes.request_metrics import RequestMetrics
from prediction_api.routes.streams import add_stream_routes
from prediction_api.views.market_views import MarketViews


def build_app(
    views: MarketViews, metrics: Metrics, store: Callable[[], Store], *, bundle: Path = BUNDLE
) -> FastAPI:
    """Return the app; answers are counted in `metrics`, the dashboard is served from `bundle`.

    `store` opens the store; it is asked for only where what is asked of us is kept there.
    """
    app = FastAPI(title="Real-time price predictions", docs_url=None, redoc_url=None)
    app.add_exception_handler(NoSuchMarketError, no_such_market)
    app.add_exception_handler(SeveralMarketsError, several_markets)
    app.add_middleware(RequestMetrics, metrics=metrics)
    add_prediction_routes(app, views)
    add_health_routes(app, views)
    add_integrity_routes(app, views, store)
    add_stream_routes(app, views)
    add_dashboard_routes(app, views, bundle)
    return app
