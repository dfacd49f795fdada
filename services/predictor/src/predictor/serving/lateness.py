"""When a prediction was made, and whether that was late: decided once, as it is published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from marketstream.messages import MoveForecast, MoveOutcome, Outcome, Prediction
from marketstream.recent import Recent

type Foretold = Prediction | MoveForecast
type Came = Outcome | MoveOutcome
_CAME = (Outcome, MoveOutcome)


class Lateness:
    """Completes predictions by the clock, and outcomes by what was late.

    `clock` (ns) runs `speed` times as fast as life. A prediction is late where its moment has come
    before it is made, or where nobody was watching. `most` late ones of a market wait for their
    outcomes.
    """

    def __init__(self, clock: Callable[[], int], speed: float, *, most: int) -> None:
        self._clock = clock
        self._speed = speed
        self._late: defaultdict[str, Recent[object]] = defaultdict(lambda: Recent(most))

    def finish(self, message: Foretold | Came, received_ns: int) -> Foretold | Came:
        """Return a message as it is to be published; `received_ns` is 0 where nobody watched.

        What was said before a stop keeps the time it was made at. Previews are never late.
        """
        if isinstance(message, _CAME):
            late = self._late.get(message.market)
            if late is None or not late.take(message.identity):
                return message
            return replace(message, late=True)
        if isinstance(message, Prediction) and message.preview:
            return message
        if isinstance(message, MoveForecast):
            message = self._made(message, received_ns, message.made_at_ms)
        elif message.made_at_ms is None:
            message = self._made(message, received_ns)
        if message.late:
            self.remember((message,))
        return message

    def remember(self, said: Iterable[Foretold]) -> None:
        """Note which of these predictions were late, for when their outcomes come."""
        for prediction in said:
            if prediction.late:
                self._late[prediction.market].add(prediction.identity)

    def _made(
        self, prediction: Foretold, received_ns: int, since_ms: int | None = None
    ) -> Foretold:
        """Complete it; it follows from a close at `since_ms`, unless said otherwise its own."""
        now_ns = self._clock()
        close_ms = prediction.close_time_ms if since_ms is None else since_ms
        if not received_ns:
            made_at_ms = max(close_ms, now_ns // 1_000_000)
            return replace(prediction, made_at_ms=made_at_ms, latency_us=0, late=True)
        passed_ns = max(0, now_ns - received_ns)
        made_at_ms = close_ms + passed_ns // 1_000_000
        return replace(
            prediction,
            made_at_ms=made_at_ms,
            latency_us=int(passed_ns / 1_000 / self._speed),
            late=made_at_ms >= prediction.for_ms,
        )
