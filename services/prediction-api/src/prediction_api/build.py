"""The API as a part: it listens to the topics, recalls the store, and answers over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from loguru import logger

from marketstream.champions import ChangeChampion
from marketstream.errors import StateError
from marketstream.explanation import TakeApart
from marketstream.messages import Candle, MoveForecast, MoveOutcome, Outcome, Prediction
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.topics import (
    CANDLES,
    MODELS,
    MOVE_FORECASTS,
    MOVE_OUTCOMES,
    OUTCOMES,
    PREDICTIONS,
    STATUS,
    TRADES,
)
from prediction_api.http_server import (
    HttpServer,
    allow_files,
    listen,
    own_names,
    say_where,
    server_config,
)
from prediction_api.routes.app import build_app
from prediction_api.settings import ApiSettings
from prediction_api.views.board import Seen
from prediction_api.views.market_views import MarketViews, Recalled

_RECALLED_MS = 3_600_000
_MOVES_MS = 86_400_000  # of which there are few
_NS_PER_MS = 1_000_000
_RECALLED = (Candle, Prediction, Outcome, MoveForecast, MoveOutcome)
# Hundreds of trades messages a second, of which only the time is read: nobody decodes the trades.
_TOPICS = (
    TRADES._replace(message=Seen), CANDLES, PREDICTIONS, OUTCOMES, MOVE_FORECASTS, MOVE_OUTCOMES,
    MODELS, STATUS,
)  # fmt: skip


def build(
    plan: Plan,
    settings: ApiSettings,
    ports: Ports,
    listening: socket.socket | None = None,
    take_apart: TakeApart | None = None,
    change_champion: ChangeChampion | None = None,
) -> Part:
    """Return the part; every instance of it follows all markets of the plan.

    It serves on `listening`, as `http_server.listen` gives it, or else where the settings say;
    its work raises NetworkError where that is taken. `take_apart` asks the models, where they are
    at hand, what each feature added to a prediction; `change_champion` has another version serve.
    """
    serving = _Serving(plan, settings, ports, listening, take_apart, change_champion)
    return Part("prediction-api", work=serving.run)


class _Serving:
    """Views that hear the topics from the start, and a server on them."""

    def __init__(
        self,
        plan: Plan,
        settings: ApiSettings,
        ports: Ports,
        listening: socket.socket | None,
        take_apart: TakeApart | None,
        change_champion: ChangeChampion | None,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._ports = ports
        self._listening = listening
        self._take_apart = take_apart
        self._change_champion = change_champion
        self._views = MarketViews(
            plan,
            ports.metrics,
            now_ns=ports.clock,
            speed=ports.speed,
            stale_after_ms=settings.stale_after_ms,
            most_streams=settings.most_streams,
        )
        self._waiting: dict[str, list[tuple[Any, int]]] = {market: [] for market in plan.markets}
        ports.listen([PREDICTIONS], self._show)
        ports.listen(_TOPICS, self._hear, can_wait=True)

    async def run(self) -> None:
        """Serve until cancelled."""
        listening = self._listening or listen(self._settings.host, self._settings.port)
        with contextlib.closing(listening):
            allow_files(self._settings.most_connections)
            host = listening.getsockname()[0]
            settings = self._settings.for_address(host, own_names(host))
            app = build_app(
                self._plan,
                self._views,
                self._ports.metrics,
                self._ports.store,
                settings,
                take_apart=self._take_apart,
                change_champion=self._change_champion,
            )
            if not settings.open_read:
                logger.info("Readers need a key", made_by="realtime keys make NAME")
            server = HttpServer(server_config(app, settings.most_connections))
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            say_where(listening, self._plan.markets)
            try:
                await self._recall()
                await asyncio.shield(serving)
            finally:
                server.should_exit = True
                self._views.close()
                await serving

    def _show(self, prediction: Prediction, received_ns: int) -> None:
        if prediction.market not in self._waiting:
            self._views.show(prediction, received_ns)

    def _hear(self, message: Any, received_ns: int) -> None:
        waiting = self._waiting.get(message.market)
        if waiting is not None and isinstance(message, _RECALLED):
            waiting.append((message, received_ns))
        else:
            self._views.hear(message, received_ns)

    async def _recall(self) -> None:
        """Show of each market what was there before a stop, then what has come meanwhile."""
        began_ms: dict[str, int] = {}
        for market in self._plan.markets:
            from_ms = self._ports.clock() // _NS_PER_MS - _RECALLED_MS
            try:
                recalled = await asyncio.to_thread(self._read_store, market, from_ms)
            except StateError as error:
                logger.warning("What was before the start is not shown", reason=str(error))
                break
            self._views.recall(recalled)
            self._catch_up(market)
            began_ms[market] = from_ms
        for market in tuple(self._waiting):
            self._catch_up(market)
        for market, from_ms in began_ms.items():  # last: of a long past it takes seconds
            await self._remember(market, from_ms)

    async def _remember(self, market: str, until_ms: int) -> None:
        """Count what came of all predictions before those recalled: proofs are of all of them."""
        store, timeframe, scores = self._ports.store, self._plan.timeframe, self._views.scores
        try:
            past = await asyncio.to_thread(
                lambda: store().tallies(market, timeframe, until_ms, scores.streams)
            )
        except StateError as error:
            logger.warning("Nothing is proven until the next start", reason=str(error))
        else:
            scores.remember(market, past)

    def _catch_up(self, market: str) -> None:
        for message, received_ns in self._waiting.pop(market):
            self._views.hear(message, received_ns)

    def _read_store(self, market: str, from_ms: int) -> Recalled:
        store = self._ports.store()
        timeframe = self._plan.timeframe
        window = (market, timeframe, from_ms, from_ms + 2 * _RECALLED_MS)
        models = (
            store.latest_model(market, timeframe, horizon_ms)
            for horizon_ms in self._plan.horizons_ms
        )
        return Recalled(
            store.candles(*window),
            store.predictions(*window),
            store.outcomes(*window),
            [model for model in models if model is not None],
            store.move_forecasts(*window),
            store.move_outcomes(market, timeframe, from_ms - _MOVES_MS, from_ms + 2 * _RECALLED_MS),
        )
