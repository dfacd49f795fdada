"""The feature engine: closed candles in, feature vectors out."""

from __future__ import annotations

from collections import deque

import msgspec

from marketstream.messages import Candle, Features
from technical_indicators.feature_set import FeatureSet
from technical_indicators.indicators import IndicatorStream
from technical_indicators.microstructure import Microstructure


class FeatureEngine:
    """The feature operator of one market.

    Base candles feed the book and flow features and are passed on as the book alone; candles of the
    timeframe decided on feed the indicators and bring a whole vector. A snapshot is the last
    candles: indicators are opened on them again.
    """

    def __init__(self, market: str, feature_set: FeatureSet, keep: int = 0) -> None:
        self.market = market
        self._set = feature_set
        self._keep = keep
        self._start()

    def _start(self) -> None:
        self._streams = [IndicatorStream(indicator) for indicator in self._set.indicators]
        self._microstructure = Microstructure(self._set.base, self._set.spans)
        self._candles: deque[Candle] = deque(maxlen=self._keep)
        self._base_candles: deque[Candle] = deque(maxlen=self._microstructure.window)

    def update(self, message: Candle) -> list[Features]:
        """Fold one candle; return its feature vector, or nothing for other timeframes.

        A forming candle is not folded: its vector says how things stand.
        """
        if message.state == "forming":
            return self._peek(message)
        if message.revision > 0:
            return []
        decides = message.timeframe == self._set.timeframe
        if message.timeframe == self._set.base:
            self._microstructure.update(message)
            self._base_candles.append(message)
            if not decides:
                return [self._features(message, {})]
        if not decides:
            return []
        self._candles.append(message)
        values = [value for stream in self._streams for value in stream.update(message)]
        values += self._microstructure.values()
        return [self._features(message, dict(zip(self._set.names, values, strict=True)))]

    def _peek(self, candle: Candle) -> list[Features]:
        if candle.timeframe != self._set.timeframe:
            return []
        values = [value for stream in self._streams for value in stream.peek(candle)]
        values += self._microstructure.peek(candle)
        return [self._features(candle, dict(zip(self._set.names, values, strict=True)))]

    def _features(self, candle: Candle, values: dict[str, float | None]) -> Features:
        return Features(
            market=self.market,
            timeframe=candle.timeframe,
            close_time_ms=candle.close_time_ms,
            values=values,
            bid=candle.bid,
            ask=candle.ask,
            close=candle.close,
            feature_set=self._set.version,
            complete=candle.complete,
            first_buy=candle.first_buy,
            first_sell=candle.first_sell,
            forming=candle.state == "forming",
        )

    def snapshot(self) -> bytes:
        """Return the last candles, as many as the slowest feature needs."""
        return msgspec.msgpack.encode((list(self._base_candles), list(self._candles)))

    def restore(self, snapshot: bytes) -> None:
        """Fold the snapshot's candles anew; features agree with unbroken ones to 1e-9."""
        kept = msgspec.msgpack.decode(snapshot, type=tuple[list[Candle], list[Candle]])
        self._start()
        for candle in sorted(
            (*kept[0], *kept[1]), key=lambda c: (c.close_time_ms, -c.open_time_ms)
        ):
            self.update(candle)
