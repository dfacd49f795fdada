"""The feature engine: closed candles in, feature vectors out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from marketstream.messages import Candle, Features
from technical_indicators.base_definition import State
from technical_indicators.base_stream import BaseStream
from technical_indicators.beside import BesideStreams
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
    beside: dict[str, list[Candle]] = {}
    held: Features | None = None


class FeatureEngine:
    """The feature operator of one market.

    Base candles feed the book and flow features and are passed on as the book alone; candles of the
    timeframe decided on feed the indicators and bring a whole vector. The last candles are kept, as
    many as features look back: a snapshot is these, and indicators are opened on them again.

    Candles of other timeframes feed their own indicators. What closes at the very moment of a
    decision comes just before or after it, so a vector is held until all of that is there, and at
    most until anything closes later: what has not come by then is None.

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
        self._beside = BesideStreams(feature_set.beside)
        self._held: Features | None = None
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
        if message.state == "forming":
            shown = message.timeframe == self._set.timeframe and self._held is None
            return self._peek(message) if shown else []
        ready: list[Features] = []
        if self._held is not None and message.close_time_ms > self._held.close_time_ms:
            ready.append(self._beside_of(self._held))
            self._held = None
        self._beside.update(message)
        made = self._fold(message)
        if made and made[0].values:
            self._held = made.pop()
        if self._held is not None and not self._beside.lack(self._held.close_time_ms):
            made.append(self._beside_of(self._held))
            self._held = None
        return ready + made

    def _fold(self, message: Candle) -> list[Features]:
        """Return the vector of a candle, without what candles of other timeframes say."""
        timeframe = message.timeframe
        decides, is_base = timeframe == self._set.timeframe, timeframe == self._set.base
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
        values += [None] * len(self._beside.names)
        values += self._of_leaders
        return [self._features(message, dict(zip(self._set.names, values, strict=True)))]

    def _beside_of(self, features: Features) -> Features:
        """Return a vector with what candles of other timeframes say as of its close."""
        if not self._beside.names:
            return features
        said = self._beside.values(features.close_time_ms)
        values = features.values | dict(zip(self._beside.names, said, strict=True))
        return replace(features, values=values)

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
        values += self._beside.peek(candle.open_time_ms)
        values += self._of_leaders
        return [self._features(candle, dict(zip(self._set.names, values, strict=True)))]

    def _features(self, candle: Candle, values: dict[str, float | None]) -> Features:
        decided = candle.timeframe == self._set.timeframe
        return Features(  # in the order of its fields: by their names it takes much longer
            self.market, candle.timeframe, candle.close_time_ms, values,
            candle.bid, candle.ask, candle.close,
            self._set.version, candle.is_whole,
            candle.first_buy, candle.first_sell, candle.state == "forming",
            candle.high if decided else None,
            candle.low if decided else None,
            candle.volume if decided else None,
        )  # fmt: skip

    def snapshot(self) -> bytes:
        """Return the last candles, as many as the slowest feature needs.

        With them is what recursions over base candles had come to before those, where engines
        began, and the last candles of other timeframes, with a vector that is held.
        """
        kept = _Kept(
            list(self._base_candles), list(self._candles), self._set.version,
            list(self._of_base.before), self.beginnings, self._beside.candles, self._held,
        )  # fmt: skip
        return msgspec.msgpack.encode(kept)

    def restore(self, snapshot: bytes) -> None:
        """Look back on the snapshot's candles; features agree with unbroken ones to 1e-9."""
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        self._base_candles = deque(kept.base_candles, self._base_candles.maxlen)
        self._candles = deque(kept.candles, self._candles.maxlen)
        is_same = kept.version == self._set.version
        self._of_base.go_on(kept.before if is_same else [], ())
        self._beside.restore(kept.beside)
        self._held = kept.held if is_same else None
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
        known = kept.beginnings or ([] if is_full else [kept.candles[0].close_time_ms])
        newest_ms = kept.candles[-1].close_time_ms
        beside = [stream.began_ms for stream in self._beside.streams.values() if not stream.is_full]
        return [*known, *(newest_ms if ms is None else ms for ms in beside)]


def _says_the_same(one: Candle, other: Candle) -> bool:
    """Say whether two revisions differ in the certificate alone."""
    return without_certificate(one) == without_certificate(other)
