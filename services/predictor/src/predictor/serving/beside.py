"""One market's operators that read the same features: directions first, then how far."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from marketstream.messages import Features, MoveForecast, MoveOutcome, Outcome, Prediction
from predictor.moves.operator import Moves
from predictor.serving.operator import Predictor

type Said = Prediction | Outcome | MoveForecast | MoveOutcome


class _Snapshot(msgspec.Struct, frozen=True):
    predictor: bytes
    moves: bytes | None = None
    held: Features | None = None


class PredictorAndMoves:
    """Predicts where the price will be and, where that is wanted, how far it will go.

    How far is said with the next message of the market, a candle of the base timeframe, so that no
    direction waits for it; `made_at_ms` begins to count there. Where the timeframe is the base, and
    the next message a timeframe away, it is said at once, after the directions. Where how far
    fails, it begins anew, `failed` is told of it, and directions are predicted as ever.
    """

    def __init__(
        self,
        predictor: Predictor,
        moves: Moves | None,
        failed: Callable[[str, Exception], None] = lambda _market, _error: None,
    ) -> None:
        self.predictor = predictor
        self.moves = moves
        self._held: Features | None = None
        self._failed = failed

    def update(self, message: Features) -> list[Said]:
        """Fold one message; return what both make of it."""
        following: list[Said] = [*self.predictor.update(message)]
        if self.moves is None or message.forming:
            return following
        held, self._held = self._held, None
        due = [] if held is None else [held]
        if message.timeframe == self.moves.timeframe:
            if self.predictor.has_finer:
                self._held = message
            else:
                due.append(message)
        for each in due:
            following += self._how_far(self.moves, each, message.close_time_ms)
        return following

    def _how_far(self, moves: Moves, held: Features, now_ms: int) -> list[Said]:
        try:
            said = moves.update(held)
        except Exception as error:  # noqa: BLE001 - whatever it is, directions are right
            moves.begin_anew()
            self._failed(moves.market, error)
            return []
        return [
            replace(one, made_at_ms=now_ms) if isinstance(one, MoveForecast) else one
            for one in said
        ]

    def snapshot(self) -> bytes:
        """Return the snapshots of both, and what how far is still to be said of."""
        moves = None if self.moves is None else self.moves.snapshot()
        return msgspec.msgpack.encode(_Snapshot(self.predictor.snapshot(), moves, self._held))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot; earlier releases wrote that of the predictor alone."""
        try:
            state = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        except msgspec.ValidationError:
            state = _Snapshot(snapshot)
        self.predictor.restore(state.predictor)
        self._held = state.held
        if self.moves is not None and state.moves is not None:
            try:
                self.moves.restore(state.moves)
            except Exception as error:  # noqa: BLE001 - such as sums of another release
                self.moves.begin_anew()
                self._failed(self.moves.market, error)
