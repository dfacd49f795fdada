"""What a part that keeps topics hears of them: in the event loop of its work, once it is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from marketstream.ports import Part
from marketstream.runners.kafka.hearing import Hearing, Listening
from marketstream.together import together


class HeardOnceKept:
    """Has what a part listens to told to it after each batch that it has kept.

    What was kept before its work began is in the store by then. What was not kept comes again, also
    to a process that was killed in between, and is heard then.
    """

    def __init__(
        self, part: Part, keep: Callable[[Sequence[Any]], None], listening: Listening
    ) -> None:
        self._keep = keep
        self._work = part.work
        self._listening = listening
        self._messages = {topic.message for topics, _ in listening for topic in topics}
        self._hearing: Hearing | None = None
        self._changing = threading.Lock()

    def keep(self, messages: Sequence[Any], received_ns: Sequence[int]) -> None:
        """Keep a batch, then have it heard; raises what keeping it does, and is not heard then."""
        self._keep(messages)
        with self._changing:
            if self._hearing is None:
                return
            for message, since_ns in zip(messages, received_ns, strict=True):
                if type(message) in self._messages:
                    self._hearing.put(message, since_ns)

    async def work(self) -> None:
        """Do the part's work, and tell what is heard, until cancelled."""
        hearing = Hearing(self._listening)
        with self._changing:
            self._hearing = hearing
        try:
            await together([hearing.run(), *(() if self._work is None else [self._work()])])
        finally:
            with self._changing:
                self._hearing = None
