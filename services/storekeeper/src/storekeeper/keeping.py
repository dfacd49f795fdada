"""What is kept of the topics: all but how things stand between two closes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from marketstream.messages import Candle, Features, Prediction
from marketstream.metrics import Metrics
from marketstream.store.port import Store
from marketstream.store.rows import TABLE_NAMES, Stored


class Keeping:
    """Writes messages to a store, which is opened with the first of them."""

    def __init__(self, store: Callable[[], Store], metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def keep(self, messages: Sequence[Stored]) -> None:
        """Write a batch; when it returns they are stored, and where it raises none of them is.

        Forming candles, what is made of them, and prices without features are left out. StateError
        where the store cannot be used, TransientStateError where that passes.
        """
        rows = [message for message in messages if _is_kept(message)]
        if not rows:
            return
        self._store().write(rows)
        for kind, count in Counter(map(type, rows)).items():
            self._metrics.store_rows.labels(TABLE_NAMES[kind]).inc(count)


def _is_kept(message: Stored) -> bool:
    match message:
        case Candle():
            return message.state == "closed"
        case Features():
            return bool(message.values) and not message.forming
        case Prediction():
            return not message.preview
    return True
