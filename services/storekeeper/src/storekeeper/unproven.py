"""Candles that the exchange cannot prove, however often it is asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from loguru import logger

from marketstream.messages import Candle
from storekeeper.refolding import NothingMoreError

_REMEMBERED = 8_192
_MOST_TOLD = 20  # times, more than an hour, until nothing more is expected of the exchange


class Unproven:
    """Counts how often the exchange has said all that it has of candles, and not proven them.

    Nothing is said of such candles anew: they stay unknown, or incomplete.
    """

    def __init__(self) -> None:
        self._told: OrderedDict[Candle, int] = OrderedDict()

    def note(self, asked: Iterable[Candle], error: NothingMoreError) -> None:
        """Count an answer about those of some candles that it cannot prove."""
        candles = [one for one in asked if error.is_about((one.open_time_ms, one.close_time_ms))]
        for candle in candles:
            self._told[candle] = self._told.pop(candle, 0) + 1
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
        if done := [one for one in candles if self._told.get(one) == _MOST_TOLD]:
            logger.info(
                "Nobody can tell of candles", market=done[0].market, candles=len(done),
                from_ms=done[0].open_time_ms, to_ms=done[-1].close_time_ms,
            )  # fmt: skip

    def __contains__(self, candle: Candle) -> bool:
        """Say whether there is no use in asking for a candle as it is stored."""
        return self._told.get(candle, 0) >= _MOST_TOLD
