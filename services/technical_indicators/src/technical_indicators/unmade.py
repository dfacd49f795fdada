"""Says where candles of other timeframes do not come, though decisions wait for them."""

from __future__ import annotations

from loguru import logger

from marketstream.messages import Candle
from marketstream.timeframes import timeframe_ms
from technical_indicators.feature_set import FeatureSet

_GRACE_MS = 2_000


class Unmade:
    """Hears candles, and warns once where those of another timeframe are due and do not come.

    Who makes candles has settings of its own where services are processes of their own, so nobody
    can know at a start what will be made: the first close that is due shows it.
    """

    def __init__(self, feature_set: FeatureSet) -> None:
        self._base = feature_set.base
        self._grace_ms = timeframe_ms(feature_set.base) + _GRACE_MS
        self._lengths_ms = {name: timeframe_ms(name) for name in feature_set.others}
        self._closed_ms: dict[tuple[str, str], int] = {}
        self._missed: dict[str, set[str]] = {name: set() for name in feature_set.others}

    def hear(self, candle: Candle, received_ns: int = 0) -> None:
        """Note a candle of another timeframe, or see at a base candle what is due."""
        del received_ns
        if candle.state != "closed":
            return
        if candle.timeframe in self._lengths_ms:
            self._closed_ms[candle.market, candle.timeframe] = candle.close_time_ms
            missed = self._missed[candle.timeframe]
            if missed == {candle.market}:
                logger.info("Candles come again", timeframe=candle.timeframe)
            missed.discard(candle.market)
        elif candle.timeframe == self._base:
            self._look(candle)

    def _look(self, candle: Candle) -> None:
        for timeframe, length_ms in self._lengths_ms.items():
            began_ms = candle.open_time_ms // length_ms * length_ms
            closed_ms = self._closed_ms.setdefault((candle.market, timeframe), began_ms)
            due_ms = closed_ms + length_ms + self._grace_ms
            missed = self._missed[timeframe]
            if candle.close_time_ms < due_ms or candle.market in missed:
                continue
            missed.add(candle.market)
            if len(missed) == 1:
                logger.warning(
                    "Candles of another timeframe do not come: features of them are unknown, and "
                    "each decision waits for one more candle of the finest",
                    timeframe=timeframe, market=candle.market,
                    remedy=f"put {timeframe} among `timeframes` in services/candles/config.yaml, "
                    "or take it out of `beside`",
                )  # fmt: skip
