"""What the client says of answers is what the API answers."""

from __future__ import annotations

import msgspec
import pytest

import realtime_client
from marketstream import (
    candidate_losses,
    champions,
    evidence,
    explanation,
    integrity,
    on_paper,
    scoring,
    track_record,
)
from marketstream.accuracy import AccuracyOfStretch
from marketstream.messages import Features, Model, Outcome, Prediction
from prediction_api.routes.history import Judged
from prediction_api.routes.indicators import IndicatorsAt
from prediction_api.routes.keys import KnownKey
from prediction_api.views import moves, status_lines
from prediction_api.views.feed import Came
from prediction_api.views.prediction_view import (
    CandidateView,
    MarketPredictions,
    PredictionView,
    VerdictView,
)
from prediction_api.views.system_state import ModelState
from realtime_client import explanation as explained
from realtime_client import integrity as whole
from realtime_client import standing


@pytest.mark.parametrize(
    ("ours", "theirs", "more"),
    [
        (realtime_client.Judged, Judged, set()),
        (realtime_client.Outcome, Came, {"event_id"}),
        (realtime_client.Prediction, PredictionView, {"event_id"}),
        (realtime_client.MarketPredictions, MarketPredictions, set()),
        (realtime_client.Candidate, CandidateView, set()),
        (realtime_client.Verdict, VerdictView, set()),
        (realtime_client.Move, moves.MoveView, {"event_id"}),
        (realtime_client.MoveScore, moves.MoveScore, set()),
        (realtime_client.MarketMoves, moves.MarketMoves, set()),
        (realtime_client.JudgedMove, moves.JudgedMove, set()),
        (realtime_client.MoveOutcome, moves.MoveCame, {"event_id"}),
        (realtime_client.Indicators, IndicatorsAt, set()),
        (realtime_client.Accuracy, AccuracyOfStretch, set()),
        (realtime_client.Standing, status_lines.HorizonStatus, set()),
        (realtime_client.Score, scoring.Score, set()),
        (realtime_client.Proof, evidence.Proof, set()),
        (standing.Rival, evidence.Rival, set()),
        (standing.Serving, ModelState, set()),
        (standing.CandidateLoss, candidate_losses.CandidateLoss, set()),
        (realtime_client.ReliabilityBin, on_paper.ReliabilityBin, set()),
        (realtime_client.OnPaper, on_paper.OnPaper, set()),
        (realtime_client.ModelRecord, track_record.ModelRecord, set()),
        (standing.Term, track_record.Term, set()),
        (realtime_client.ChampionChanged, champions.ChampionChanged, set()),
        (realtime_client.KnownKey, KnownKey, set()),
        (realtime_client.Explanation, explanation.Explanation, set()),
        (realtime_client.Terms, explanation.Terms, set()),
        (explained.Moments, explanation.Moments, set()),
        (explained.StoredPrediction, Prediction, set()),
        (explained.StoredOutcome, Outcome, set()),
        (explained.FeatureVector, Features, set()),
        (explained.ModelMade, Model, set()),
        (realtime_client.Integrity, integrity.Integrity, set()),
        (whole.Epoch, integrity.Epoch, set()),
        (whole.GapSeen, integrity.GapSeen, set()),
        (whole.StallSeen, integrity.StallSeen, set()),
        (whole.CandlesSeen, integrity.CandlesSeen, set()),
        (whole.DoubtSeen, integrity.DoubtSeen, set()),
        (whole.ParitySeen, integrity.ParitySeen, set()),
        (whole.MendingSeen, integrity.MendingSeen, set()),
    ],
)
def test_answers_have_the_fields_that_the_api_gives_them(
    ours: type, theirs: type, more: set[str]
) -> None:
    def fields(kind: type) -> set[str]:
        return {field.name for field in msgspec.inspect.type_info(kind).fields}  # type: ignore[attr-defined]

    assert fields(ours) - more <= fields(theirs)
