"""What was: pages of rows, the oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from realtime_client.answers import Accuracy, Candle, Indicators, Judged
from realtime_client.asking import Asking, Page, path_of
from realtime_client.moves import JudgedMove


class _Stretches(msgspec.Struct, frozen=True):
    stretches: list[Accuracy]


class Past(Asking):
    """Calls that read what is stored."""

    def history(
        self,
        symbol: str,
        *,
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> Iterator[Judged]:
        """Yield predictions with what came of them, the oldest first, a page at a time."""
        asked = {"from": since, "to": until, "horizon": horizon}
        yield from self._pages(f"/predictions/{path_of(symbol)}/history", asked, Page[Judged])

    def move_history(
        self,
        symbol: str,
        *,
        target: str = "volatility",
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> Iterator[JudgedMove]:
        """Yield forecasts of how far with what came of them, the oldest first."""
        asked = {"from": since, "to": until, "horizon": horizon, "target": target}
        yield from self._pages(f"/predictions/{path_of(symbol)}/history", asked, Page[JudgedMove])

    def candles(
        self,
        symbol: str,
        *,
        timeframe: str | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
    ) -> Iterator[Candle]:
        """Yield closed candles, the oldest first, a page at a time."""
        asked = {"from": since, "to": until, "timeframe": timeframe}
        yield from self._pages(f"/candles/{path_of(symbol)}", asked, Page[Candle])

    def indicators(
        self,
        symbol: str,
        *,
        names: Iterable[str] | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
    ) -> Iterator[Indicators]:
        """Yield the indicators in use as of each close, the oldest first, a page at a time."""
        asked = {"from": since, "to": until, "name": None if names is None else list(names)}
        yield from self._pages(f"/indicators/{path_of(symbol)}", asked, Page[Indicators])

    def arrow(
        self,
        what: Literal["history", "candles", "indicators"],
        symbol: str,
        *,
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
        target: str | None = None,
        timeframe: str | None = None,
        names: Iterable[str] | None = None,
    ) -> Iterator[bytes]:
        """Yield history, candles or indicators as Arrow, a stream of its IPC for each page.

        They are for `pyarrow.ipc.open_stream` or `polars.read_ipc_stream`. The horizon and target
        are those of a history, the timeframe that of candles, and names are of indicators.
        """
        asked = {
            "from": since, "to": until, "horizon": horizon, "target": target,
            "timeframe": timeframe, "name": None if names is None else list(names),
        }  # fmt: skip
        place = path_of(symbol)
        of = f"/predictions/{place}/history" if what == "history" else f"/{what}/{place}"
        yield from self._arrow(of, asked)

    def accuracy(
        self,
        symbol: str,
        *,
        every: str | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> list[Accuracy]:
        """Return how often predictions were right, by stretches of time such as 15m."""
        asked = {"from": since, "to": until, "every": every, "horizon": horizon}
        return self._ask(_Stretches, f"/predictions/{path_of(symbol)}/accuracy", asked).stretches
