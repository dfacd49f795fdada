"""The operators of a worker: in memory while it works, in Quix's state at each checkpoint.

Taking a snapshot at each message would cost more than the messages, so it is taken when a
checkpoint is about to be committed: Quix then tells its sinks to flush, and does so before it hands
the state on and commits the offsets. Snapshot and offsets therefore always belong together, and
what is read again after a crash goes through the same operators as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from quixstreams import State
from quixstreams.sinks import BaseSink

from marketstream.errors import BadMessage, StateError
from marketstream.operator import Operator
from marketstream.runners.recovering import Recovering

_CHUNK = 500_000  # bytes; brokers refuse messages of more than 1 MB unless told otherwise


class _Head(msgspec.Struct, frozen=True):
    """What a saved snapshot is as of, by topic, and in how many pieces it lies."""

    offsets: dict[str, int]
    chunks: int


@dataclass(slots=True)
class Held:
    """An operator in memory, the offsets of the last messages it saw, and where it is to be saved.

    `state` is None from a checkpoint until the next message.
    """

    operator: Recovering
    partition: int
    offsets: dict[str, int]
    state: State[str, bytes] | None = None


class Operators(BaseSink):
    """Hands out the operator of a key, such as a market, and saves those that have seen something.

    Partitions come and go between two checkpoints. The first time after a checkpoint that an
    operator is asked for, it is compared with what was saved: where another worker has gone on
    since, or the checkpoint came to nothing, it is made anew and restored. So it is where a message
    comes again.
    """

    def __init__(
        self,
        stage: str,
        make_operator: Callable[[str], Operator[Any, Any]],
        saved: Callable[[str, int], None],
        committing: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(on_client_connect_success=_nothing)
        self._committing = committing
        self._stage = stage
        self._make_operator = make_operator
        self._saved = saved
        self._held: dict[str, Held] = {}

    def of(
        self, key: str, topic: str, partition: int, offset: int, state: State[str, bytes]
    ) -> Held:
        """Return the operator of a key as of the message before the one at `offset` of a topic."""
        held = self._held.get(key)
        if held is None or held.state is None or offset <= held.offsets.get(topic, -1):
            head = _head(state, key)
            if held is None or head is None or head.offsets != held.offsets:
                held = self._held[key] = self._restored(key, partition, head, state)
        held.state = state
        return held

    def _restored(
        self, key: str, partition: int, head: _Head | None, state: State[str, bytes]
    ) -> Held:
        operator = self._make_operator(key)
        if head is None:
            return Held(Recovering(operator), partition, {})
        snapshot = b"".join(_chunks(state, key, head.chunks))
        try:
            operator.restore(snapshot)
        except (ValueError, TypeError, BadMessage) as error:  # msgspec's own are ValueErrors
            raise _unfit(self._stage, key, error) from error
        return Held(Recovering(operator), partition, dict(head.offsets))

    def forget_all_but(self, partitions: set[int]) -> None:
        """Drop the operators of other partitions that have nothing to be saved."""
        for market, held in list(self._held.items()):
            if held.partition not in partitions and held.state is None:
                del self._held[market]

    def flush(self) -> None:
        """Save the operators that have seen something; Quix calls this as a checkpoint begins."""
        self._committing()
        for key, held in self._held.items():
            state, held.state = held.state, None  # whatever becomes of this checkpoint
            if state is not None:
                snapshot = held.operator.snapshot()
                _save(state, key, held.offsets, snapshot)
                self._saved(key, len(snapshot))

    def forget(self) -> None:
        """Drop all of them: what was not committed comes again."""
        self._held.clear()

    def add(self, *_: object, **__: object) -> None:
        """Take no notice of what the stage wrote."""


def _unfit(stage: str, key: str, error: Exception) -> StateError:
    return StateError(
        f"the state of {key} in stage {stage} cannot be restored ({error}): it is of another "
        "version or other settings; go back to those, or stop all workers of the stage and have it "
        f"begin anew with `realtime reset {stage}`"
    )


def _head(state: State[str, bytes], key: str) -> _Head | None:
    raw = state.get_bytes(f"head {key}")
    return None if raw is None else msgspec.json.decode(raw, type=_Head)


def _chunks(state: State[str, bytes], key: str, count: int) -> Iterator[bytes]:
    for number in range(count):
        chunk = state.get_bytes(f"snapshot {key} {number}")
        if chunk is None:
            raise StateError(f"piece {number} of {count} of {key}'s saved operator is missing")
        yield chunk


def _save(state: State[str, bytes], key: str, offsets: dict[str, int], snapshot: bytes) -> None:
    starts = range(0, len(snapshot), _CHUNK)
    for number, start in enumerate(starts):
        state.set_bytes(f"snapshot {key} {number}", snapshot[start : start + _CHUNK])
    state.set_bytes(f"head {key}", msgspec.json.encode(_Head(offsets, len(starts))))


def _nothing() -> None:
    """Say nothing about a connection that there is not."""
