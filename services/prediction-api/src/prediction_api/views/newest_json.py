"""The newest predictions of markets as JSON, of which only the times are written anew."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from marketstream.scores import Scores
from prediction_api.views.board import PredictionBoard
from prediction_api.views.prediction_view import Shown, VerdictView, verdict_of

_MOST_KEPT = 4_096

type Horizons = frozenset[int] | None


class _Written(NamedTuple):
    predictions: list[Shown]
    previews: list[Shown]
    heard: int
    tail: bytes


class NewestJson:
    """Writes what `MarketViews.newest` returns; predictions and verdicts once for all who ask."""

    def __init__(self, board: PredictionBoard, scores: Scores) -> None:
        self._board = board
        self._scores = scores
        self._written: dict[tuple[str, Horizons], _Written] = {}

    def of(self, market: str, horizons_ms: Horizons = None) -> bytes | None:
        """Return the JSON of one market, of all horizons or some; None before any prediction."""
        board = self._board
        shown, age = board.newest_shown(market, horizons_ms), board.age(market)
        if shown is None or age is None:
            return None
        heard = self._scores.heard(market)
        written = self._written.get((market, horizons_ms))
        if written is None or written[:3] != (*shown, heard):
            written = _Written(*shown, heard, self._tail(market, *shown))
            if len(self._written) >= _MOST_KEPT:
                self._written.clear()
            self._written[market, horizons_ms] = written
        return b'{"symbol":%b,"as_of_ms":%d,"data_age_ms":%d,"stale":%b,"stalled":%b,%b' % (
            msgspec.json.encode(market.partition(":")[2]),
            age.as_of_ms,
            age.age_ms,
            b"true" if board.stale(market) else b"false",
            b"true" if board.stalled(market) else b"false",
            written.tail,
        )

    def _tail(self, market: str, predictions: list[Shown], previews: list[Shown]) -> bytes:
        told = {
            "predictions": [shown.view for shown in predictions],
            "previews": [shown.view for shown in previews],
            "verdicts": [self._verdict(market, one.prediction.horizon_ms) for one in predictions],
        }
        return msgspec.json.encode(told)[1:]

    def _verdict(self, market: str, horizon_ms: int) -> VerdictView:
        return verdict_of(horizon_ms, self._scores.proof(market, horizon_ms))
