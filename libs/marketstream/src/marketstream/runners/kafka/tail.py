"""What was published last: where a service that writes a topic goes on after a stop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Any

from marketstream.errors import BadMessage
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.kafka.reading import Extent, extents, read_between
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import Topic

_STEP = 2_000


def read_tail(
    settings: KafkaSettings,
    topic: Topic,
    markets: Collection[str],
    enough: Callable[[list[Any]], bool],
    group_of: Callable[[str], str] = str,
) -> dict[str, list[Any]]:
    """Return the newest messages of each market, in order: until they are `enough`, or all.

    Each partition is read backwards, two thousand offsets at a time, for the markets that are in
    the first of these steps: one that has been silent for longer has no tail.
    """
    application = connect(settings, "tail")
    name = open_topic(application, topic, settings).name
    decoding = Decoding({name: topic})
    found: dict[str, list[Any]] = {market: [] for market in markets}
    keys = {group_of(market).encode() for market in markets}
    for partition, first, end in extents(application, name):
        start = end
        here: set[str] = set()
        while first < start and not (here and all(enough(found[market]) for market in here)):
            end, start = start, max(first, start - _STEP)
            step: dict[str, list[Any]] = {market: [] for market in markets}
            for raw in read_between(application, name, Extent(partition, start, end)):
                if raw.key() in keys:
                    with contextlib.suppress(BadMessage):  # its stage puts it aside
                        message = decoding.message(name, raw.value(), raw.key())
                        if message.market in step:
                            step[message.market].append(message)
            here |= {market for market, messages in step.items() if messages}
            for market, messages in step.items():
                found[market] = messages + found[market]
            if not here:
                break
    return found
