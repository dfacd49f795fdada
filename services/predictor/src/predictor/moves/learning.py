"""Beside the stream: what forecasts of how far are fitted on, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from queue import SimpleQueue

from loguru import logger

from marketstream.columns import number
from marketstream.messages import Features, HowFar
from predictor.moves.fit import Fit, needed_ms
from predictor.moves.job import COLUMNS, MovesJob
from predictor.moves.layout import Combination, Layout
from predictor.moves.start import FEWEST as FEWEST_RETURNS
from predictor.training.history import Buffer
from predictor.training.process import TrainerProcess
from predictor.training.workshop import Order

_TRY_EVERY_MS = 60_000


class MovesLearning:
    """Has forecasts of how far fitted on the newest closes of each market, once it is live.

    What has no fit is tried every minute of the market's time, from when there may be rows enough
    since the price was known first; the rest is fitted anew every `every_ms`. One of less than
    half the rows, as after a restart, does not take the place of what serves, and is not fitted
    before there may be so many. Closes of a stall count as unknown, as they do where they are
    forecast from. The runner's thread calls `observe`, and what is fitted is installed in it,
    between two messages.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        most_closes: int,
        every_ms: int,
        order: Callable[[Order], None],
        install: Callable[[str, Sequence[Fit]], None],
        serving: Callable[[str], Mapping[Combination, Fit]],
        is_stalled: Callable[[str], bool],
    ) -> None:
        self._layout = layout
        self._most_closes = most_closes
        self._every_ms = every_ms
        self._order = order
        self._install = install
        self._serving = serving
        self._is_stalled = is_stalled
        self._rows: dict[str, Buffer] = {}
        self._newest_ms: dict[str, int] = {}
        self._priced_ms: dict[str, int] = {}
        self._due_ms: dict[str, int] = {}
        self._running: set[str] = set()
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def observe(self, features: Features, received_ns: int) -> None:
        """Remember a close; have what is due fitted, and install what has been meanwhile."""
        while not self._news.empty():
            self._news.get()()
        market, close_ms = features.market, features.close_time_ms
        if features.timeframe != self._layout.timeframe or features.forming:
            return
        if close_ms <= self._newest_ms.get(market, -1):
            return
        self._newest_ms[market] = close_ms
        rows = self._rows.get(market)
        if rows is None:
            rows = self._rows[market] = Buffer(COLUMNS, self._most_closes)
        if self._layout.price == "close" or features.mid is not None:
            self._priced_ms.setdefault(market, close_ms)
        rows.append(
            [
                close_ms, number(features.bid), number(features.ask), features.close,
                number(features.high), number(features.low), number(features.volume),
                float(features.complete and not self._is_stalled(market)),
            ]
        )  # fmt: skip
        is_due = close_ms >= self._due_ms.get(market, 0)
        if received_ns and is_due and market not in self._running:
            self._due_ms[market] = close_ms + min(_TRY_EVERY_MS, self._every_ms)
            self._fit(market, close_ms)

    def progress(self, market: str) -> HowFar:
        """Return how far a market's forecasts are; from any thread."""
        layout = self._layout
        since_ms, newest_ms = self._priced_ms.get(market), self._newest_ms.get(market)
        seen_ms = None if since_ms is None or newest_ms is None else newest_ms - since_ms
        bounds_ms = {h: needed_ms(h, layout.fit_step_ms) for h in layout.horizons_ms}
        return HowFar(layout.targets, seen_ms, FEWEST_RETURNS * layout.base_ms, bounds_ms)

    def _fit(self, market: str, now_ms: int) -> None:
        layout, serving = self._layout, self._serving(market)
        seen_ms = now_ms - self._priced_ms.get(market, now_ms)
        wanted = tuple(
            each
            for each in product(layout.targets, layout.horizons_ms)
            if seen_ms >= needed_ms(each[1], layout.fit_step_ms)
            and (each not in serving or self._can_follow(serving[each], seen_ms, now_ms))
        )
        if not wanted:
            return
        self._running.add(market)
        job = MovesJob(market, layout, self._rows[market].taken(), wanted)

        async def run(trainer: TrainerProcess) -> None:
            fits = await trainer.fit_moves(job)
            self._news.put(lambda: self._finished(market, fits))

        self._order(run)

    def _can_follow(self, before: Fit, seen_ms: int, now_ms: int) -> bool:
        """Say whether a fit is old, and there may be rows enough for one in its place."""
        is_old = now_ms >= before.trained_at_ms + self._every_ms
        return is_old and 1 + seen_ms // self._layout.fit_step_ms >= self._fewest_after(before)

    def _fewest_after(self, before: Fit) -> float:
        """Return how many rows a fit in the place of another has to have: half of its."""
        most = self._most_closes * self._layout.base_ms // self._layout.fit_step_ms
        return min(before.rows, most) / 2

    def _finished(self, market: str, fits: Sequence[Fit]) -> None:
        self._running.discard(market)
        serving = self._serving(market)
        better = [
            fit
            for fit in fits
            if (before := serving.get((fit.target, fit.horizon_ms))) is None
            or fit.rows >= self._fewest_after(before)
        ]
        self._install(market, better)
        for one in better:
            logger.info(
                "Fitted how far the price will go", market=market, target=one.target,
                horizon_ms=one.horizon_ms, rows=one.rows,
            )  # fmt: skip
