"""Has a worker join its group again after the broker was away."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException  # type: ignore[import-untyped]
from loguru import logger
from quixstreams import Application
from quixstreams.exceptions import QuixException
from quixstreams.state.exceptions import (
    InvalidChangelogOffset,
    InvalidStoreChangelogOffset,
    StateRecoveryOffsetOutOfRange,
)
from quixstreams.state.rocksdb import RocksDBCorruptedError

from marketstream.errors import NetworkError

UNFIT_STATE = (
    InvalidChangelogOffset,
    InvalidStoreChangelogOffset,
    StateRecoveryOffsetOutOfRange,
    RocksDBCorruptedError,
)
"""What Quix raises where its state is damaged, or of other topics than these."""

_AGAIN_AFTER_S = 1.0
_PATIENCE_S = 120.0
_PROOF = 2  # the second commit begins only once the first has come through


class Membership:
    """Runs an application of a consumer group, and makes it anew where Kafka lets it down.

    What was not committed is read again by then, as after a crash. `committing` is to be called
    whenever a commit begins: that is how it is known that Kafka takes something from us.
    """

    def __init__(self, name: str, make: Callable[[], Application]) -> None:
        self._name = name
        self._make = make
        self._application = make()
        self._stopping = threading.Event()
        self._commits = 0

    def committing(self) -> None:
        """Take note that a commit begins."""
        self._commits += 1

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or `stop`, then commit; in the main thread only.

        NetworkError where Kafka has been gone for two minutes, or taken nothing from us.
        """
        failing_since_s: float | None = None
        while not self._stopping.is_set():
            self._commits = 0
            try:
                self._application.run()
            except UNFIT_STATE:
                raise
            except (KafkaException, QuixException) as error:
                if failing_since_s is None or self._commits >= _PROOF:
                    failing_since_s = time.monotonic()
                logger.warning(
                    "Kafka is out of reach: joins again", worker=self._name, reason=str(error)
                )
                self._join_again(failing_since_s + _PATIENCE_S, error)
            else:
                return

    def stop(self) -> None:
        """Have `run` end soon; from any thread."""
        self._stopping.set()
        self._application.stop()

    def _join_again(self, give_up_s: float, error: Exception) -> None:
        with _signals(self._stopping):
            while not self._stopping.wait(_AGAIN_AFTER_S):
                if time.monotonic() > give_up_s:
                    raise NetworkError(f"{self._name} cannot go on: {error}") from error
                try:
                    self._application = self._make()
                except (NetworkError, KafkaException, QuixException) as still:
                    error = still
                else:
                    return


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """Take SIGINT and SIGTERM for a wish to stop while no application does."""
    before = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
