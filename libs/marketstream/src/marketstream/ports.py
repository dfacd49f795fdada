"""What a part is given from outside, and what it gives: the seam between services and runners.

A service exports `build(plan, settings, ports) -> Part`. Whoever composes the system gives it ports
of one process or of Kafka; the part does not know which.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from marketstream.messages import Message
from marketstream.metrics import Metrics
from marketstream.stage import Stage
from marketstream.store.port import Store
from marketstream.topics import Topic

type Tap = Callable[[Any, int], None]
"""Told of a message, and when (ns) the edge received what it follows from."""


class Ports(Protocol):
    """What a part needs from outside.

    `state` is the folder for what a part keeps beside the store. `preview_ms` is how often a candle
    is shown as it forms, None for never.
    """

    @property
    def metrics(self) -> Metrics: ...  # noqa: D102
    @property
    def speed(self) -> float: ...  # noqa: D102
    @property
    def state(self) -> Path: ...  # noqa: D102
    @property
    def preview_ms(self) -> int | None: ...  # noqa: D102

    def clock(self) -> int:
        """Return the time in ns by which things are received; `speed` times as fast as life."""
        ...

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Put a message on its topic, from the thread or event loop of the part's `work`."""
        ...

    async def drain(self) -> None:
        """Wait until more can be published."""
        ...

    def listen(self, topics: Sequence[Topic], tap: Tap, *, can_wait: bool = False) -> None:
        """Have `tap` told of what is published on topics from now on; to be called in `build`.

        It is called in the event loop of `work`; a part with stages hears what those read and write
        between two messages, in the runner's own thread. On Kafka a part that keeps topics hears
        of those once they are kept. In one process predictions are told of at once, but for who
        `can_wait` until those of all markets are out.
        """
        ...

    def tail(
        self,
        topic: Topic,
        markets: Sequence[str],
        enough: Callable[[Sequence[Message]], bool],
        back_ms: int | None = None,
    ) -> Mapping[str, Sequence[Message]]:
        """Return what was published last by market, in order: until that is enough, or all.

        With `back_ms` nothing is looked for that is so much older than the newest of any market,
        and a market of which all is older has nothing.
        """
        ...

    def store(self) -> Store:
        """Return the store, opened; whoever composes the system closes it.

        StateError where it is out of reach.
        """
        ...


type Work = Callable[[], Coroutine[Any, Any, None]]
"""Runs in an event loop until it is cancelled."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a service is made of: stages, work beside them, rows to store.

    `work` runs in an event loop until it is cancelled. `keep` is given batches of messages of the
    topics it `keeps`, in order, and has stored them when it returns; where it raises
    TransientStateError it is given them again. `health` says how the part is; `status` in it is
    "ok" when all is well.
    """

    name: str
    stages: tuple[Stage, ...] = ()
    work: Work | None = None
    keeps: tuple[Topic, ...] = ()
    keep: Callable[[Sequence[Any]], None] | None = None
    health: Callable[[], Mapping[str, object]] = lambda: {"status": "ok"}
