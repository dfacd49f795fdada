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
from marketstream.runners.kafka.checkpoints import BeforeCommit

_CHUNK = 500_000  # bytes; brokers refuse messages of more than 1 MB unless told otherwise


class _Head(msgspec.Struct, frozen=True):
    """What a saved snapshot is as of, and in how many pieces it lies."""

    offset: int
    chunks: int


@dataclass(slots=True)
class Held:
    """An operator in memory, the offset of the last message it saw, and where it is to be saved.

    `state` is None from a checkpoint until the next message.
    """

    operator: Operator[Any, Any]
    partition: int
    offset: int
    state: State[str, bytes] | None = None


class Operators(BaseSink):
    """Hands out the operator of a market, and saves those that have seen something.

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
        before_commit: BeforeCommit | None = None,
    ) -> None:
        super().__init__(on_client_connect_success=_nothing)
        self._stage = stage
        self._make_operator = make_operator
        self._saved = saved
        self._before_commit = before_commit
        self._held: dict[str, Held] = {}

    def of(self, market: str, partition: int, offset: int, state: State[str, bytes]) -> Held:
        """Return the operator of a market as of the message before the one at `offset`."""
        held = self._held.get(market)
        if held is None or held.state is None or offset <= held.offset:
            head = _head(state)
            if held is None or head is None or head.offset != held.offset:
                held = self._held[market] = self._restored(market, partition, head, state)
        held.state = state
        return held

    def _restored(
        self, market: str, partition: int, head: _Head | None, state: State[str, bytes]
    ) -> Held:
        operator = self._make_operator(market)
        if head is None:
            return Held(operator, partition, -1)
        snapshot = b"".join(_chunks(state, head.chunks))
        try:
            operator.restore(snapshot)
        except (ValueError, TypeError, BadMessage) as error:  # msgspec's own are ValueErrors
            raise StateError(
                f"the state of {market} in stage {self._stage} cannot be restored ({error}): it is "
                "of another version or other settings; go back to those, or stop all workers of "
                f"the stage and have it begin anew with `realtime reset {self._stage}`"
            ) from error
        return Held(operator, partition, head.offset)

    def forget_all_but(self, partitions: set[int]) -> None:
        """Drop the operators of other partitions that have nothing to be saved."""
        for market, held in list(self._held.items()):
            if held.partition not in partitions and held.state is None:
                del self._held[market]

    def flush(self) -> None:
        """Save the operators that have seen something; Quix calls this as a checkpoint begins."""
        changed = [(market, held, held.state) for market, held in self._held.items()]
        for held in self._held.values():
            held.state = None  # whatever becomes of this checkpoint
        if self._before_commit is not None:
            self._before_commit(None)
        for market, held, state in changed:
            if state is not None:
                snapshot = held.operator.snapshot()
                _save(state, held.offset, snapshot)
                self._saved(market, len(snapshot))

    def add(self, *_: object, **__: object) -> None:
        """Take no notice of what the stage wrote."""


def _head(state: State[str, bytes]) -> _Head | None:
    raw = state.get_bytes("head")
    return None if raw is None else msgspec.json.decode(raw, type=_Head)


def _chunks(state: State[str, bytes], count: int) -> Iterator[bytes]:
    for number in range(count):
        chunk = state.get_bytes(f"snapshot {number}")
        if chunk is None:
            raise StateError(f"piece {number} of {count} of a saved operator is missing")
        yield chunk


def _save(state: State[str, bytes], offset: int, snapshot: bytes) -> None:
    starts = range(0, len(snapshot), _CHUNK)
    for number, start in enumerate(starts):
        state.set_bytes(f"snapshot {number}", snapshot[start : start + _CHUNK])
    state.set_bytes("head", msgspec.json.encode(_Head(offset, len(starts))))


def _nothing() -> None:
    """Say nothing about a connection that there is not."""
