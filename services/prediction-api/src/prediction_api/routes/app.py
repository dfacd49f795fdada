"""The app: every group of routes on the same views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from marketstream.champions import ChangeChampion
from marketstream.errors import SettingsError, StateError
from marketstream.explanation import TakeApart
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.store.port import Store
from prediction_api.quick_answers import QuickAnswers, Remembering
from prediction_api.routes.access import Access, rate_limit
from prediction_api.routes.accuracy import add_accuracy_routes
from prediction_api.routes.champions import add_champion_routes
from prediction_api.routes.compact import Compact
from prediction_api.routes.config import add_config_route
from prediction_api.routes.dashboard import BUNDLE, add_dashboard_routes
from prediction_api.routes.explain import add_explain_routes
from prediction_api.routes.health import add_health_routes
from prediction_api.routes.history import add_history_routes
from prediction_api.routes.index import add_index_routes
from prediction_api.routes.indicators import add_indicator_routes
from prediction_api.routes.integrity import add_integrity_routes
from prediction_api.routes.keys import add_key_routes
from prediction_api.routes.known_keys import KnownKeys
from prediction_api.routes.manners import (
    AllowedHosts,
    NoBodies,
    SafeHeaders,
    add_head_routes,
    http_problem,
    invalid_request,
    no_store,
    no_such_range,
)
from prediction_api.routes.markets import (
    NoSuchMarketError,
    SeveralMarketsError,
    no_such_market,
    several_markets,
)
from prediction_api.routes.models import add_model_routes
from prediction_api.routes.parameters import BadParameterError, bad_parameter, only_known
from prediction_api.routes.predictions import add_prediction_routes
from prediction_api.routes.request_metrics import RequestMetrics
from prediction_api.routes.schema import describe
from prediction_api.routes.scoreboard import add_scoreboard_routes
from prediction_api.routes.sockets import OwnPages, add_socket_routes
from prediction_api.routes.streams import add_stream_routes
from prediction_api.routes.udf import add_udf_routes
from prediction_api.settings import ApiSettings
from prediction_api.views.market_views import MarketViews

_ABOUT = (
    "What the price of each market that is followed will do next, what was said before and what "
    "came of it, with the candles, indicators and models behind it. Symbols are written in any "
    "usual form, as `BTC-USDT` or `BTCUSDT`; where several exchanges have one, the exchange comes "
    "before it. Times are milliseconds since 1970 unless a name says otherwise. Errors are problem "
    "details (RFC 9457)."
)
_HANDLERS = {
    NoSuchMarketError: no_such_market,
    SeveralMarketsError: several_markets,
    BadParameterError: bad_parameter,
    SettingsError: no_such_range,
    StateError: no_store,
    HTTPException: http_problem,
    RequestValidationError: invalid_request,
}


def build_app(
    plan: Plan,
    views: MarketViews,
    metrics: Metrics,
    store: Callable[[], Store],
    settings: ApiSettings,
    *,
    bundle: Path = BUNDLE,
    take_apart: TakeApart | None = None,
    change_champion: ChangeChampion | None = None,
) -> FastAPI:
    """Return the app; answers are counted in `metrics`, the dashboard is served from `bundle`.

    `store` opens the store; it is asked for only where what is asked of us is kept there. The
    settings are those for the address that is listened on. `take_apart` asks the models what each
    feature added to a prediction, `change_champion` the registry to have another version serve,
    where they are at hand.
    """
    app = FastAPI(
        title="Real-time price predictions",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(only_known)],
    )
    for error, answer in _HANDLERS.items():
        app.add_exception_handler(error, answer)
    app.add_middleware(Compact)
    app.add_middleware(
        Access,
        keys=KnownKeys(store),
        open_read=bool(settings.open_read),
        limit=rate_limit(settings.requests_per_minute or 0),
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET"],
            allow_headers=["Authorization"],
        )
    app.add_middleware(NoBodies)
    app.add_middleware(OwnPages, origins=settings.cors_origins)
    if settings.allowed_hosts:
        app.add_middleware(AllowedHosts, names=settings.allowed_hosts)
    app.add_middleware(RequestMetrics, metrics=metrics)
    app.add_middleware(SafeHeaders)
    app.state.quick_answers = QuickAnswers(metrics)
    app.add_middleware(Remembering, quick=app.state.quick_answers)
    add_index_routes(app, views)
    add_explain_routes(app, views, store, take_apart)
    add_config_route(app, plan, settings)
    add_history_routes(app, plan, views, store)  # before what takes any path for a symbol
    add_accuracy_routes(app, plan, views, store)
    add_stream_routes(app, plan, views)
    add_socket_routes(app, plan, views)
    add_prediction_routes(app, plan, views)
    add_scoreboard_routes(app, plan, views, store)
    add_health_routes(app, views)
    add_indicator_routes(app, plan, views, store)
    add_integrity_routes(app, views, store)
    add_champion_routes(app, plan, views, change_champion)  # as above
    add_model_routes(app, plan, views, store)
    add_key_routes(app, store)
    add_udf_routes(app, plan, views, store)
    add_dashboard_routes(app, views, bundle)
    add_head_routes(app)
    describe(app)
    return app
