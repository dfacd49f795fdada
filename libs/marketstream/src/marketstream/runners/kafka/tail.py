"""What was published last: where a service that writes a topic goes on after a stop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import Any

from marketstream.errors import BadMessage
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.kafka.reading import Extent, extents, read_between
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import Topic

_STEP, _LONGEST_STEP = 2_000, 64_000


def read_tail(
    settings: KafkaSettings,
    topic: Topic,
    markets: Collection[str],
    enough: Callable[[list[Any]], bool],
    group_of: Callable[[str], str] = str,
    back_ms: int | None = None,
) -> dict[str, list[Any]]:
    """Return the newest messages of each market, in order: until they are `enough`, or all.

    Partitions are read backwards in turn, two thousand offsets at first and each time twice as
    many, for as long as a market lacks something there. What came more than `back_ms` before the
    newest message of its partition is not looked for, without it nothing of a partition in whose
    first step none of the markets is.
    """
    application = connect(settings, "tail")
    name = open_topic(application, topic, settings).name
    tails = _Tails(Decoding({name: topic}), name, markets, enough, group_of)
    partitions = [_Partition(extent) for extent in extents(application, name)]
    while partitions:
        for partition in partitions:
            extent = partition.before()
            tails.add(read_between(application, name, extent), partition)
        partitions = [one for one in partitions if one.goes_on(tails, back_ms)]
    return tails.found


class _Partition:
    """How far back a partition has been read, and which markets are in it."""

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self._start = extent.end
        self._step = _STEP
        self.markets: set[str] = set()
        self.oldest_ms: int | None = None
        self.newest_ms = 0

    def before(self) -> Extent:
        """Return the next step back."""
        number, first, _ = self._extent
        end, self._start = self._start, max(first, self._start - self._step)
        self._step = min(2 * self._step, _LONGEST_STEP)
        return Extent(number, self._start, end)

    def saw(self, time_ms: int) -> None:
        """Note when a message came."""
        self.newest_ms = max(self.newest_ms, time_ms)
        self.oldest_ms = time_ms if self.oldest_ms is None else min(self.oldest_ms, time_ms)

    def goes_on(self, tails: _Tails, back_ms: int | None) -> bool:
        """Say whether more of it has to be read."""
        if self._start <= self._extent.first:
            return False
        if back_ms is None:
            return not tails.suffice(self.markets) if self.markets else False
        if self.oldest_ms is not None and self.oldest_ms <= self.newest_ms - back_ms:
            return False
        return not tails.suffice({*self.markets, *tails.missing()})


class _Tails:
    def __init__(
        self,
        decoding: Decoding,
        topic: str,
        markets: Collection[str],
        enough: Callable[[list[Any]], bool],
        group_of: Callable[[str], str],
    ) -> None:
        self.found: dict[str, list[Any]] = {market: [] for market in markets}
        self._decoding = decoding
        self._topic = topic
        self._enough = enough
        self._wanting: dict[bytes, set[str]] = {}
        for market in markets:
            self._wanting.setdefault(group_of(market).encode(), set()).add(market)

    def missing(self) -> set[str]:
        """Return the markets of which nothing has been found."""
        return {market for market, messages in self.found.items() if not messages}

    def suffice(self, markets: Collection[str]) -> bool:
        """Say whether of these markets nothing more is wanted."""
        return not any(wanting & set(markets) for wanting in self._wanting.values())

    def add(self, step: Iterable[Any], partition: _Partition) -> None:
        """Put what a step back holds before what is there, where more is wanted."""
        older: dict[str, list[Any]] = {}
        for raw in step:
            partition.saw(raw.timestamp()[1])
            wanting = self._wanting.get(raw.key())
            if not wanting:
                continue
            with contextlib.suppress(BadMessage):  # its stage puts it aside
                message = self._decoding.message(self._topic, raw.value(), raw.key())
                if message.market in wanting:
                    older.setdefault(message.market, []).append(message)
        partition.markets |= older.keys()
        for market, messages in older.items():
            self.found[market] = messages + self.found[market]
        for wanting in self._wanting.values():
            wanting -= {market for market in wanting & older.keys() if self._is_enough(market)}

    def _is_enough(self, market: str) -> bool:
        return self._enough(self.found[market])
