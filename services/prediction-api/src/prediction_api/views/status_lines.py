"""The line about a market's state that each of its streams is sent once a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping

import msgspec

from marketstream.candidate_losses import CandidateLoss
from marketstream.evidence import Proof
from marketstream.messages import MoveTarget
from marketstream.on_paper import OnPaper, ReliabilityBin
from marketstream.scoring import Score
from prediction_api.views.board import MarketState
from prediction_api.views.event_queue import event
from prediction_api.views.market_views import MarketViews
from prediction_api.views.moves import TARGETS
from prediction_api.views.system_state import FeedState, ModelState, WarmingUp
from prediction_api.views.wire import Latency

STATUS_EVERY_S = 1.0


class HorizonStatus(msgspec.Struct, frozen=True):
    """How good one horizon has been of late, what all outcomes prove, and what serves it.

    `candidates` are all that say something of it, by name, with what was served; `reliability` is
    how often what was said came, `on_paper` what it would have earned.
    """

    horizon_ms: int
    score: Score
    proof: Proof
    model: ModelState | None
    candidates: dict[str, CandidateLoss]
    reliability: list[ReliabilityBin]
    on_paper: OnPaper


class MarketStatus(msgspec.Struct, frozen=True):
    """How a market is; times are the market's, and `warming_up` is None once it predicts.

    `stalled` names the markets, this one or others, whose time stands still. `how_far_missing` says
    of each target of which nothing has been forecast yet what is missing.
    """

    state: MarketState
    as_of_ms: int | None
    data_age_ms: int | None
    warming_up: WarmingUp | None
    latency: Latency | None
    feed: FeedState
    horizons: list[HorizonStatus]
    stalled: list[str]
    how_far_missing: dict[MoveTarget, WarmingUp]


async def standing(
    views: MarketViews, market: str, horizons_ms: Iterable[int], models: Mapping[int, ModelState]
) -> list[HorizonStatus]:
    """Return how good each of these horizons of a market has been, and which of `models` serves."""
    horizons = []
    for horizon_ms in horizons_ms:
        # A score takes milliseconds, and predictions do not wait so long.
        await asyncio.sleep(0)
        score = views.scores.score(market, horizon_ms)
        proof = views.scores.proof(market, horizon_ms)
        candidates = views.scores.candidates(market, horizon_ms)
        model = models.get(horizon_ms)
        reliability = views.scores.reliability(market, horizon_ms)
        on_paper = views.scores.on_paper(market, horizon_ms)
        told = HorizonStatus(horizon_ms, score, proof, model, candidates, reliability, on_paper)
        horizons.append(told)
    return horizons


class StatusLines:
    """Makes the lines; all streams of a market share one."""

    def __init__(self, views: MarketViews) -> None:
        self._views = views
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
        views = self._views
        system = views.overview.system(market)
        horizons = await standing(views, market, views.live.horizons_ms, system.models)
        board = views.board
        age = board.age(market)
        return MarketStatus(
            state=board.state(market),
            as_of_ms=None if age is None else age.as_of_ms,
            data_age_ms=None if age is None else age.age_ms,
            warming_up=None if board.predicts(market) else views.overview.warming_up(market),
            latency=views.live.latency(market),
            feed=system.feed,
            horizons=horizons,
            stalled=[each for each in board.markets if board.stalled(each)],
            how_far_missing={
                target: views.overview.how_far_missing(market, target)
                for target in TARGETS
                if not views.moves.horizons_ms(market, target)
            },
        )
