"""The line about a market's state that each of its streams is sent once a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from marketstream.skill import Shares, Skill, skill_of
from prediction_api.routes.watching import event
from prediction_api.views.board import MarketState, PredictionBoard
from prediction_api.views.live import LiveView
from prediction_api.views.rows import Latency
from prediction_api.views.state import FeedState, ModelState, SystemState, WarmingUp

STATUS_EVERY_S = 1.0


class HorizonStatus(msgspec.Struct, frozen=True):
    """How good one horizon has been so far, in figures and words, and what serves it."""

    horizon_ms: int
    score: object
    skill: Skill
    model: ModelState | None


class MarketStatus(msgspec.Struct, frozen=True):
    """How a market is; times are the market's, and `warming_up` is None once it predicts."""

    state: MarketState
    as_of_ms: int | None
    data_age_ms: int | None
    warming_up: WarmingUp | None
    latency: Latency | None
    feed: FeedState
    horizons: list[HorizonStatus]


class StatusLines:
    """Makes the lines; all streams of a market share one."""

    def __init__(
        self,
        board: PredictionBoard,
        live: LiveView,
        system: Callable[[str], SystemState],
        score: Callable[[str, int], Shares],
        warming_up: Callable[[str], WarmingUp],
    ) -> None:
        self._board = board
        self._live = live
        self._system = system
        self._score = score
        self._warming_up = warming_up
        self._made: dict[str, tuple[float, bytes]] = {}
        self._turn = asyncio.Lock()

    async def line(self, market: str) -> bytes:
        """Return the status event of a market, made anew where it is older than half a second."""
        async with self._turn:
            made_s, encoded = self._made.get(market, (float("-inf"), b""))
            if time.monotonic() - made_s > STATUS_EVERY_S / 2:
                encoded = event("status", await self._status(market))
                self._made[market] = (time.monotonic(), encoded)
            return encoded

    async def _status(self, market: str) -> MarketStatus:
        system = self._system(market)
        horizons = []
        for horizon_ms in self._live.horizons_ms:
            await asyncio.sleep(
                0
            )  # a score takes milliseconds, and predictions do not wait so long
            score = self._score(market, horizon_ms)
            model = system.models.get(horizon_ms)
            horizons.append(HorizonStatus(horizon_ms, score, skill_of(score), model))
        state = self._board.state(market)
        age = self._board.age(market)
        return MarketStatus(
            state=state,
            as_of_ms=None if age is None else age.as_of_ms,
            data_age_ms=None if age is None else age.age_ms,
            warming_up=None if self._board.predicts(market) else self._warming_up(market),
            latency=self._live.latency(market),
            feed=system.feed,
            horizons=horizons,
        )
