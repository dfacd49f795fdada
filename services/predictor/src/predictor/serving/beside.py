"""One market's operators that read the same features: directions first, then how far."""

from __future__ import annotations

import msgspec

from marketstream.messages import Features, MoveForecast, MoveOutcome, Outcome, Prediction
from predictor.moves.operator import Moves
from predictor.serving.operator import Predictor

type Said = Prediction | Outcome | MoveForecast | MoveOutcome


class _Snapshot(msgspec.Struct, frozen=True):
    predictor: bytes
    moves: bytes | None = None


class PredictorAndMoves:
    """Predicts where the price will be and, where that is wanted, how far it will go.

    What is said of directions comes first, and does not wait for the rest.
    """

    def __init__(self, predictor: Predictor, moves: Moves | None) -> None:
        self.predictor = predictor
        self.moves = moves

    def update(self, message: Features) -> list[Said]:
        """Fold one message; return what both make of it."""
        following: list[Said] = [*self.predictor.update(message)]
        if self.moves is not None:
            following += self.moves.update(message)
        return following

    def snapshot(self) -> bytes:
        """Return the snapshots of both."""
        moves = None if self.moves is None else self.moves.snapshot()
        return msgspec.msgpack.encode(_Snapshot(self.predictor.snapshot(), moves))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; earlier releases wrote that of the predictor alone."""
        try:
            state = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        except msgspec.ValidationError:
            state = _Snapshot(snapshot)
        self.predictor.restore(state.predictor)
        if self.moves is not None and state.moves is not None:
            self.moves.restore(state.moves)
