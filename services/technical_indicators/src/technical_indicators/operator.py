"""The feature engine: closed candles in, feature vectors out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from marketstream.messages import Candle, Features
from technical_indicators.base_definition import State
from technical_indicators.base_stream import BaseStream
from technical_indicators.feature_set import FeatureSet
from technical_indicators.heard_candles import without_certificate
from technical_indicators.microstructure import Microstructure

_MOST_BEGINNINGS = 10
_OUT_OF_STEP = 8  # base candles that one market of a group may be ahead of another


class _Kept(msgspec.Struct, array_like=True):
    """A snapshot; the feature set's version and the states are there where recursions are.

    Earlier releases wrote less, and read no more than they knew of.
    """

    base_candles: list[Candle]
    candles: list[Candle]
    version: str = ""
    before: list[State | None] = []
    beginnings: list[int] = []


class FeatureEngine:
    """The feature operator of one market.

    Base candles feed the book and flow features and are passed on as the book alone; candles of the
    timeframe decided on feed the indicators and bring a whole vector. The last candles are kept, as
    many as features look back: a snapshot is these, and indicators are opened on them again.

    Those of leaders, of which one market knows nothing, are None here.

    A candle revised takes its place among those kept, and what looks back on it is computed anew
    for the next vector. Vectors that are out stay: they say what was known at their time.

    `beginnings` are the closes of the first candles that were looked back on, each where an engine
    began anew: snapshots hand them on, since what was said after them stays published. There is
    none before the first candle, and where a snapshot that knows of none is whole.
    """

    def __init__(self, market: str, feature_set: FeatureSet, keep: int) -> None:
        self.market = market
        self._set = feature_set
        self._streams = [indicator.stream() for indicator in feature_set.indicators]
        self._microstructure = Microstructure(feature_set.base, feature_set.spans)
        looked_back = max(self._microstructure.window, feature_set.leader_candles + _OUT_OF_STEP)
        self._of_base = BaseStream(feature_set.of_base, looked_back)
        self._of_leaders: list[float | None] = [None] * len(feature_set.leader_names)
        self._candles: deque[Candle] = deque(maxlen=keep)
        self._base_candles: deque[Candle] = deque(maxlen=self._of_base.window)
        self._revised: set[str] = set()
        self.beginnings: list[int] = []

    @property
    def base_window(self) -> int:
        """How many base candles are kept."""
        return self._of_base.window

    @property
    def is_revised(self) -> bool:
        """Whether candles kept say something else now than when they were last looked back on."""
        return bool(self._revised)

    @property
    def base_candles(self) -> Sequence[Candle]:
        """The newest base candles, as they are now."""
        return self._base_candles

    def update(self, message: Candle) -> list[Features]:
        """Fold one candle; return its feature vector, or nothing for other timeframes.

        A forming candle is not folded: its vector says how things stand.
        """
        timeframe = message.timeframe
        decides, is_base = timeframe == self._set.timeframe, timeframe == self._set.base
        if message.state == "forming":
            return self._peek(message) if decides else []
        if not (decides or is_base):
            return []
        kept = self._candles if decides else self._base_candles
        if kept and message.open_time_ms <= kept[-1].open_time_ms:
            self._revise(message)
            return []
        if self._revised:
            self._look_back_anew()
        if is_base:
            self._microstructure.update(message)
            self._of_base.update(message)
            self._base_candles.append(message)
            if not decides:
                return [self._features(message, {})]
        if not self._candles and not self.beginnings:
            self.beginnings = [message.close_time_ms]
        self._candles.append(message)
        values = [value for stream in self._streams for value in stream.update(message)]
        values += self._microstructure.values()
        values += self._of_base.values()
        values += self._of_leaders
        return [self._features(message, dict(zip(self._set.names, values, strict=True)))]

    def _revise(self, candle: Candle) -> None:
        """Put a candle in the place of its earlier revision, where that is kept."""
        timeframe = candle.timeframe
        for name, kept in (
            (self._set.timeframe, self._candles),
            (self._set.base, self._base_candles),
        ):
            if name != timeframe:
                continue
            for at in range(len(kept) - 1, -1, -1):
                if kept[at].open_time_ms == candle.open_time_ms:
                    if kept[at].revision < candle.revision:
                        if not _says_the_same(kept[at], candle):
                            self._revised.add(timeframe)
                        kept[at] = candle
                    break

    def _look_back_anew(self) -> None:
        if self._set.timeframe in self._revised:
            for stream in self._streams:
                stream.open_on(self._candles)
        if self._set.base in self._revised:
            self._microstructure = Microstructure(self._set.base, self._set.spans)
            for candle in self._base_candles:
                self._microstructure.update(candle)
            self._of_base.go_on(self._of_base.before, self._base_candles)
        self._revised.clear()

    def _peek(self, candle: Candle) -> list[Features]:
        if self._revised:
            self._look_back_anew()
        values = [value for stream in self._streams for value in stream.peek(candle)]
        values += self._microstructure.peek(candle)
        values += self._of_base.peek(candle)
        values += self._of_leaders
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
            complete=candle.is_whole,
            first_buy=candle.first_buy,
            first_sell=candle.first_sell,
            forming=candle.state == "forming",
        )

    def snapshot(self) -> bytes:
        """Return the last candles, as many as the slowest feature needs.

        With them is what recursions over base candles had come to before those, and where engines
        began.
        """
        candles = list(self._base_candles), list(self._candles)
        kept = _Kept(*candles, self._set.version, list(self._of_base.before), self.beginnings)
        return msgspec.msgpack.encode(kept)

    def restore(self, snapshot: bytes) -> None:
        """Look back on the snapshot's candles; features agree with unbroken ones to 1e-9."""
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        self._base_candles = deque(kept.base_candles, self._base_candles.maxlen)
        self._candles = deque(kept.candles, self._candles.maxlen)
        self._of_base.go_on(kept.before if kept.version == self._set.version else [], ())
        known = dict.fromkeys([*self.beginnings, *self._beginnings_of(kept)])
        self.beginnings = [*known][-_MOST_BEGINNINGS:]
        self._revised = {self._set.base, self._set.timeframe}

    def _beginnings_of(self, kept: _Kept) -> list[int]:
        """Return what a snapshot knows of, and the first close where features reach further."""
        if not kept.candles:
            return kept.beginnings
        if kept.version != self._set.version and self._of_base.before:
            return [*kept.beginnings, (kept.base_candles or kept.candles)[0].close_time_ms]
        is_full = len(kept.candles) >= (self._candles.maxlen or 0)
        return kept.beginnings or ([] if is_full else [kept.candles[0].close_time_ms])


def _says_the_same(one: Candle, other: Candle) -> bool:
    """Say whether two revisions differ in the certificate alone."""
    return without_certificate(one) == without_certificate(other)
