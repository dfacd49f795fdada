"""The feature engines of markets that look at each other: a decision waits for its leaders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from marketstream.messages import Candle, Features
from marketstream.timeframes import timeframe_ms
from technical_indicators.feature_set import FeatureSet
from technical_indicators.leader_stream import LeaderStream, Shown
from technical_indicators.operator import FeatureEngine


class _Kept(msgspec.Struct, array_like=True):
    """A snapshot: that of each market's engine, and the vectors that wait."""

    engines: dict[str, bytes]
    waiting: dict[str, Features]


class GroupEngine:
    """The feature operator of a group: each market's leaders are the others, in the group's order.

    A vector says of its leaders what their base candles of the very same close say. Where one of
    them is not there, but the one before it is, the vector waits: until it comes, or until the
    market's own next base candle does. What has not come by then is None, and so is at once what a
    leader that is farther behind would say: a market never waits for one that has stalled.

    `engines` are those of the markets.
    """

    def __init__(self, markets: Sequence[str], feature_set: FeatureSet, keep: int) -> None:
        self._set = feature_set
        self._base_ms = timeframe_ms(feature_set.base)
        self.engines = {market: FeatureEngine(market, feature_set, keep) for market in markets}
        self._leaders = {
            market: [other for other in markets if other != market][: feature_set.leaders]
            for market in markets
        }
        self._stream = LeaderStream(feature_set.of_leaders, self._base_ms)
        self._shown = self._show_anew()
        self._waiting: dict[str, Features] = {}

    def update(self, message: Candle) -> list[Features]:
        """Fold one candle of a market; return vectors, its own and those that waited for it."""
        market = message.market
        engine = self.engines[market]
        if message.state == "forming":
            if market in self._waiting:
                return []  # what it shows would come before the close it follows
            return [self._seen(features) for features in engine.update(message)]
        ready: list[Features] = []
        is_base = message.timeframe == self._set.base
        is_next = is_base and message.close_time_ms > self._shown[market].newest_ms
        if is_next and market in self._waiting:
            ready.append(self._seen(self._waiting.pop(market)))
        made = engine.update(message)
        if is_next:
            self._shown[market].add(message)
        elif is_base and engine.is_revised:
            self._shown = self._show_anew()
        for features in made:
            is_newest = features.close_time_ms >= self._shown[market].newest_ms
            if features.values and is_newest and self._has_to_wait(features):
                self._waiting[market] = features
            else:
                ready.append(self._seen(features))
        heard = [other for other, held in self._waiting.items() if not self._has_to_wait(held)]
        return ready + [self._seen(self._waiting.pop(other)) for other in heard]

    def _has_to_wait(self, features: Features) -> bool:
        """Say whether a leader's candle of that close is the next to come from it."""
        before_ms = features.close_time_ms - self._base_ms
        newest = (self._shown[leader].newest_ms for leader in self._leaders[features.market])
        return any(newest_ms == before_ms for newest_ms in newest)

    def _seen(self, features: Features) -> Features:
        """Return a vector with what its leaders say as of its close."""
        if not features.values:
            return features
        own = self._shown[features.market]
        said = self._stream.values(
            own.newest_ms if features.forming else features.close_time_ms,
            own,
            [self._shown[leader] for leader in self._leaders[features.market]],
        )
        values = features.values | dict(zip(self._set.leader_names, said, strict=True))
        return replace(features, values=values)

    def _show_anew(self) -> Mapping[str, Shown]:
        return {
            market: Shown(engine.base_window, engine.base_candles)
            for market, engine in self.engines.items()
        }

    def snapshot(self) -> bytes:
        """Return what each engine keeps, and the vectors that wait."""
        engines = {market: engine.snapshot() for market, engine in self.engines.items()}
        return msgspec.msgpack.encode(_Kept(engines, self._waiting))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; a market that was not of the group then begins anew."""
        kept = msgspec.msgpack.decode(snapshot, type=_Kept)
        for market in self.engines.keys() & kept.engines.keys():
            self.engines[market].restore(kept.engines[market])
        self._shown = self._show_anew()
        self._waiting = {m: held for m, held in kept.waiting.items() if m in self.engines}
