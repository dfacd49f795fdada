"""What happens from now on: events that go on after each lost connection."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import msgspec

from realtime_client.answers import Missed, Outcome, Prediction, Told
from realtime_client.asking import Asking, path_of
from realtime_client.errors import ApiError, NotReachableError
from realtime_client.moves import Move, MoveOutcome
from realtime_client.transport import Event

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_LATER = frozenset({429, 503})
_DIRECTIONS: Mapping[str, type[Prediction | Outcome]] = {
    "prediction": Prediction,
    "outcome": Outcome,
}
_MOVES: Mapping[str, type[Move | MoveOutcome]] = {"move": Move, "move_outcome": MoveOutcome}


class Following(Asking):
    """Calls that follow what happens."""

    def follow(
        self, symbol: str, *, horizon: str | None = None, after: str | None = None
    ) -> Iterator[Told]:
        """Yield predictions and what came of them as they happen, whatever connections do.

        A connection that is lost is made again, after 0.5 s and then twice as long each time up to
        10 s, and what happened meanwhile is yielded first: all of it, or a Missed that says what is
        not. It goes on after the event of an id. ApiError where there is no such market or horizon.
        """
        for event in self._follow(symbol, {"horizon": horizon}, after):
            told = _told(event, _DIRECTIONS)
            if told is not None:
                yield told

    def follow_moves(
        self,
        symbol: str,
        *,
        target: str = "volatility",
        horizon: str | None = None,
        after: str | None = None,
    ) -> Iterator[Move | MoveOutcome | Missed]:
        """Yield how far the price is said to go, and how far it went, as `follow` does."""
        for event in self._follow(symbol, {"horizon": horizon, "target": target}, after):
            told = _told(event, _MOVES)
            if told is not None:
                yield told

    def _follow(
        self, symbol: str, asked: Mapping[str, object], after: str | None
    ) -> Iterator[Event]:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                path = f"/predictions/{path_of(symbol)}/stream"
                for event in self._transport.events(path, asked, after):
                    pause_s = _FIRST_PAUSE_S
                    after = event.id or after
                    yield event
            except NotReachableError:
                pass  # as is a stream that ends: the API is restarted, or we were too slow
            except ApiError as error:
                if error.status not in _LATER:
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _told[Kind: msgspec.Struct](
    event: Event, kinds: Mapping[str, type[Kind]]
) -> Kind | Missed | None:
    """Return what an event tells, by its name; None for one that this version does not know."""
    if event.name == "missed":
        return msgspec.json.decode(event.data, type=Missed)
    kind = kinds.get(event.name)
    if kind is None:
        return None
    return msgspec.structs.replace(msgspec.json.decode(event.data, type=kind), event_id=event.id)
