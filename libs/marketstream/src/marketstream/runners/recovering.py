"""An operator that is as it was before where a message makes it fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketstream.errors import BadMessage
from marketstream.operator import Operator

_MOST_SINCE = 1_000  # messages between two snapshots


class Recovering:
    """Has an operator fold messages; what it fails on is as if it had never come.

    An operator refuses a message with BadMessage before it has changed. Of any other exception
    nobody knows what had changed by then: it is restored from its last snapshot, folds once more
    what came since, and the exception is a BadMessage too. Keeping messages and, every thousand of
    them, a snapshot is all that it costs while nothing fails.
    """

    def __init__(self, operator: Operator[Any, Any]) -> None:
        self.operator = operator
        self._snapshot: bytes | None = None
        self._since: list[Any] = []

    def update(self, message: Any) -> Sequence[Any]:
        """Fold one message; return what follows from it. BadMessage where nothing can."""
        since = self._since
        if self._snapshot is None or len(since) >= _MOST_SINCE:
            self.snapshot()
        try:
            following = self.operator.update(message)
        except BadMessage:
            raise
        except Exception as error:
            self._go_back()
            raise BadMessage(f"it makes {type(error).__name__}: {error}") from error
        since.append(message)
        return following

    def snapshot(self) -> bytes:
        """Return everything needed to go on elsewhere, or here after a failure."""
        self._snapshot = self.operator.snapshot()
        self._since.clear()
        return self._snapshot

    def _go_back(self) -> None:
        assert self._snapshot is not None  # taken before the first message
        self.operator.restore(self._snapshot)
        for message in self._since:
            self.operator.update(message)
        self.snapshot()  # failures in a row are cheap
