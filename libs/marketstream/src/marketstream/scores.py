"""How good the predictions are that were seen, and what all outcomes prove of them."""

from __future__ import annotations

from collections.abc import Iterable

from marketstream.candidate_losses import CandidateLoss, CandidateLosses
from marketstream.evidence import Evidence, Proof, Streams, Tally
from marketstream.messages import Candle, Outcome, Prediction
from marketstream.on_paper import OnPaper, Paper, ReliabilityBin
from marketstream.plan import Plan
from marketstream.scoring import Score, Scoreboard
from marketstream.timeframes import timeframe_ms

_SCORED = 10_000  # outcomes a horizon: what was good last week says little of now
_WAITING = 10_000  # predictions whose outcome is to come

_NOTHING = Evidence(Streams(1, 1, 1)).proof()


class Scores:
    """Scores the newest outcomes of each market by horizon; what was late is no part of it.

    What is proven follows from all outcomes, those from before this start too: until the store has
    told of them nothing is.
    """

    def __init__(self, plan: Plan) -> None:
        every_ms = timeframe_ms(plan.timeframe)
        self.streams = [
            Streams.foreseen(horizon_ms, every_ms, plan.latency_ms)
            for horizon_ms in plan.horizons_ms
        ]
        self._latency_ms = plan.latency_ms
        self._scoreboards = {market: Scoreboard(_SCORED) for market in plan.markets}
        self._evidence = {
            (market, each.horizon_ms): Evidence(each)
            for market in plan.markets
            for each in self.streams
        }
        self._losses = {place: CandidateLosses(_SCORED) for place in self._evidence}
        self._paper = {place: Paper(_SCORED) for place in self._evidence}
        self._timeframe = plan.timeframe
        self._spreads: dict[str, dict[int, float]] = {market: {} for market in plan.markets}
        self._with_past: set[str] = set()
        self._heard = dict.fromkeys(plan.markets, 0)
        self._lagging: dict[tuple[str, int, int], int] = {}

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        if prediction.late:
            return
        self._scoreboards[prediction.market].predicted(prediction)
        losses = self._losses.get((prediction.market, prediction.horizon_ms))
        if losses is not None:
            losses.predicted(prediction)
            self._paper[prediction.market, prediction.horizon_ms].predicted(prediction)
        latency_ms = prediction.label_latency_ms
        if latency_ms != self._latency_ms:  # its outcome will not say so
            self._lagging[_row(prediction)] = latency_ms
            if len(self._lagging) > _WAITING:
                del self._lagging[next(iter(self._lagging))]

    def happened(self, outcome: Outcome) -> None:
        """Score what came of a prediction."""
        if outcome.late:
            return
        self._heard[outcome.market] += 1
        self._scoreboards[outcome.market].happened(outcome)
        evidence = self._evidence.get((outcome.market, outcome.horizon_ms))
        if evidence is not None:
            evidence.happened(outcome, self._lagging.pop(_row(outcome), self._latency_ms))
            self._losses[outcome.market, outcome.horizon_ms].happened(outcome)
            spread_bps = self._spreads[outcome.market].get(outcome.close_time_ms)
            self._paper[outcome.market, outcome.horizon_ms].happened(outcome, spread_bps)

    def closed(self, candle: Candle) -> None:
        """Note the spread as of a close, which positions on paper pay."""
        mid = candle.mid
        if candle.timeframe != self._timeframe or candle.state != "closed" or not mid:
            return
        assert candle.ask is not None
        assert candle.bid is not None
        spreads = self._spreads[candle.market]
        spreads[candle.close_time_ms] = 10_000 * (candle.ask - candle.bid) / mid
        if len(spreads) > _WAITING:
            del spreads[next(iter(spreads))]

    def remember(self, market: str, past: Iterable[Tally]) -> None:
        """Count what came of a market's predictions before all that `happened` is told."""
        for tally in past:
            self._evidence[market, tally.horizon_ms].add(tally)
        self._with_past.add(market)
        self._heard[market] += 1

    def heard(self, market: str) -> int:
        """Return how often anything was heard that may change what is proven of a market."""
        return self._heard[market]

    def score(self, market: str, horizon_ms: int) -> Score:
        """Return how good predictions of a horizon have been."""
        return self._scoreboards[market].score(horizon_ms)

    def candidates(self, market: str, horizon_ms: int) -> dict[str, CandidateLoss]:
        """Return the log loss of each candidate of a horizon, the least first."""
        losses = self._losses.get((market, horizon_ms))
        return {} if losses is None else losses.losses()

    def reliability(self, market: str, horizon_ms: int) -> list[ReliabilityBin]:
        """Return how often what was said of a horizon came."""
        paper = self._paper.get((market, horizon_ms))
        return [] if paper is None else paper.reliability()

    def on_paper(self, market: str, horizon_ms: int) -> OnPaper:
        """Return what positions in the directions said of a horizon would have made."""
        paper = self._paper.get((market, horizon_ms)) or Paper(_SCORED)
        return paper.on_paper()

    def proof(self, market: str, horizon_ms: int) -> Proof:
        """Return what is proven of a horizon."""
        evidence = self._evidence.get((market, horizon_ms))
        return _NOTHING if evidence is None or market not in self._with_past else evidence.proof()


def _row(of: Prediction | Outcome) -> tuple[str, int, int]:
    return of.market, of.horizon_ms, of.close_time_ms
