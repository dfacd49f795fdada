"""Has rows written in batches, on a thread of its own, off the hot path."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from loguru import logger
from prometheus_client import CollectorRegistry

from marketstream.errors import StateError
from marketstream.metrics import Metrics
from marketstream.store.patience import patiently


class StoreWriter:
    """Takes rows from any thread and writes them in the order they came.

    A batch is written when it is full or `interval_s` after the last one. Where `limit` rows wait
    already, `put` waits too: nothing is ever dropped. A store out of reach is tried again for
    `patience_s` seconds. After that, or at once for another error, the writing ends, and the error
    is raised by the next call of any method. Whoever gave `write` closes
    the store behind it, after the writer.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Any]], None],
        *,
        batch: int = 1_000,
        interval_s: float = 0.25,
        limit: int = 100_000,
        patience_s: float = 60.0,
        metrics: Metrics | None = None,
    ) -> None:
        self._write = write
        self._batch = min(batch, limit)
        self._interval_s = interval_s
        self._limit = limit
        self._patience_s = patience_s
        self._metrics = metrics or Metrics(CollectorRegistry())
        self._changed = threading.Condition()
        self._waiting: deque[Any] = deque()
        self._put_count = 0
        self._written_count = 0
        self._wanted_count = 0
        self._warned = False
        self._closing = False
        self._error: Exception | None = None
        self._metrics.store_queue_rows.set_function(lambda: self._put_count - self._written_count)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, row: Any) -> None:
        """Have a row written soon; waits only where the queue is full."""
        with self._changed:
            if len(self._waiting) >= self._limit:
                self._wait_for_room()
            self._raise_error()
            if self._closing:
                raise StateError("the store's writer is closed: no row can be put any more")
            self._waiting.append(row)
            self._put_count += 1
            if len(self._waiting) == self._batch:
                self._changed.notify_all()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything put so far is written, and say whether it is."""
        with self._changed:
            wanted = self._wanted_count = self._put_count
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._written_count >= wanted or self._error is not None, timeout_s
            )
            self._raise_error()
            return self._written_count >= wanted

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._raise_error()

    def _wait_for_room(self) -> None:
        self._metrics.store_waits.inc()
        if not self._warned:
            self._warned = True
            logger.warning("The store is too slow: rows have to wait", queued=len(self._waiting))
        self._changed.wait_for(
            lambda: len(self._waiting) < self._limit or self._closing or self._error is not None
        )

    def _raise_error(self) -> None:
        if self._error is not None:
            raise StateError(f"rows were not stored: {self._error}") from self._error

    def _run(self) -> None:
        try:
            while rows := self._next_batch():
                patiently(partial(self._write, rows), self._patience_s)
                self._count(rows)
        except Exception as error:  # noqa: BLE001 - kept, and raised in whoever uses the writer
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _next_batch(self) -> list[Any]:
        """Wait for rows and take them from the queue; none means that it was closed."""
        with self._changed:
            self._changed.wait_for(self._is_due, timeout=self._interval_s)
            while not self._waiting and not self._closing:
                self._changed.wait_for(self._is_due, timeout=self._interval_s)
            count = min(self._batch, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def _is_due(self) -> bool:
        return (
            self._closing
            or len(self._waiting) >= self._batch
            or self._written_count < self._wanted_count
        )

    def _count(self, rows: list[Any]) -> None:
        with self._changed:
            self._written_count += len(rows)
            self._changed.notify_all()
