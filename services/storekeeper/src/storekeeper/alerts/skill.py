"""Notices what is proven of predictions, and those that are confident where skill is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from marketstream.evidence import Finding, Streams, Tally
from marketstream.messages import Outcome, Prediction
from marketstream.moments import iso
from marketstream.plan import Plan
from marketstream.recent import Recent
from marketstream.scores import Scores
from storekeeper.alerts.alert import Alert, Details
from storekeeper.alerts.faults import MayTell

_FRESH_MS = 60_000
_WORTH_MS = 86_400_000
_REMEMBERED = 20_000

type Place = tuple[str, int]
"""A market and a horizon (ms)."""


class Sure(NamedTuple):
    """How many predictions were as sure as is told, and how often they were right."""

    moved: int
    right: int


class SkillWatch:
    """Follows predictions and outcomes of the champions, and what all of them prove.

    `said` is what was last told of each place, `not known yet` where nothing was. Nothing is told
    of a market whose past is not known. A prediction is told where it is at least as probable as
    `confidence`, follows from what was received no longer than a minute ago, and skill is proven of
    its market and horizon. How old it is, is told by the clock that received: those of exchanges
    differ from it.
    """

    def __init__(self, plan: Plan, confidence: float, said: dict[Place, Finding]) -> None:
        self._plan = plan
        self._confidence = confidence
        self._scores = Scores(plan)
        self._places = [
            (market, horizon_ms) for market in plan.markets for horizon_ms in plan.horizons_ms
        ]
        self._found: dict[Place, Finding] = dict.fromkeys(self._places, "not known yet")
        self._changed: set[Place] = set()
        self._remembered: set[str] = set()
        self.said = said
        self._known: dict[str, Recent[tuple[object, ...]]] = {
            market: Recent(_REMEMBERED) for market in plan.markets
        }
        self._sure: dict[tuple[object, ...], None] = {}
        self._record: dict[Place, Sure] = {}
        self._newest: dict[Place, tuple[Prediction, int]] = {}  # and when it was received, ms

    @property
    def streams(self) -> list[Streams]:
        """How outcomes are to be counted for `remember`."""
        return self._scores.streams

    def remember(self, market: str, past: Iterable[Tally]) -> None:
        """Count what came before all that is heard."""
        self._scores.remember(market, past)
        self._remembered.add(market)
        self._changed |= {place for place in self._places if place[0] == market}

    def hear(self, message: Prediction | Outcome, *, received_ms: int = 0) -> None:
        """Note a prediction or what came of one; what is heard a second time is passed over.

        `received_ms` is when that was received which it follows from. A prediction of which nobody
        knows that is of the past: it is counted and never told.
        """
        place = message.market, message.horizon_ms
        if message.role != "champion" or message.late or place not in self._found:
            return
        known = self._known[message.market]
        if isinstance(message, Prediction):
            if not message.preview and known.add(("predicted", *message.identity)):
                self._predicted(message, place, received_ms)
        elif known.add(("happened", *message.identity)):
            self._happened(message, place)

    def take(self, now_ms: int, may_tell: MayTell) -> Iterator[Alert]:
        """Yield what is to be told by now; it is not told again."""
        for market, horizon_ms in self._changed:
            self._found[market, horizon_ms] = self._scores.proof(market, horizon_ms).verdict
        self._changed.clear()
        for place, finding in self._found.items():
            before = self.said.get(place, "not known yet")
            if place[0] not in self._remembered or finding == before:
                continue
            if may_tell("skill", place[0], str(place[1])):
                self.said[place] = finding
                yield self._verdict(place, before, finding, now_ms)
        newest, self._newest = self._newest, {}
        for place, (prediction, received_ms) in newest.items():
            is_fresh = now_ms - received_ms <= _FRESH_MS
            subject = f"{place[1]} {prediction.direction}"
            proven = self._found.get(place) == "skill"
            if is_fresh and proven and may_tell("confident", place[0], subject):
                yield self._confident(place, subject, prediction, now_ms)

    def _predicted(self, prediction: Prediction, place: Place, received_ms: int) -> None:
        self._scores.predicted(prediction)
        if prediction.direction in ("up", "down") and _chance(prediction) >= self._confidence:
            if received_ms:
                self._newest[place] = prediction, received_ms
            self._sure[prediction.identity] = None
            if len(self._sure) > _REMEMBERED:
                del self._sure[next(iter(self._sure))]

    def _happened(self, outcome: Outcome, place: Place) -> None:
        self._scores.happened(outcome)
        self._changed.add(place)
        if outcome.identity in self._sure:
            del self._sure[outcome.identity]
            if outcome.verdict in ("right", "wrong"):
                moved, right = self._record.get(place, Sure(0, 0))
                self._record[place] = Sure(moved + 1, right + (outcome.verdict == "right"))

    def _verdict(self, place: Place, before: Finding, finding: Finding, now_ms: int) -> Alert:
        market, horizon_ms = place
        proof = self._scores.proof(*place)
        became = {
            "skill": "skill is proven",
            "not known yet": f"{before!r} is proven no longer",
            "worse than the best baseline": "a baseline is proven to be better",
        }[finding]
        text = f"{market}, {_length(horizon_ms)}: {became}; {self._track_record(place)}"
        details: Details = {
            "horizon_ms": horizon_ms, "before": before, "now": finding, "log10_e": proof.log10_e,
            "outcomes": proof.outcomes, "accuracy": self._scores.score(*place).accuracy,
        }  # fmt: skip
        return Alert("skill", market, str(horizon_ms), text, now_ms, now_ms + _WORTH_MS, details)

    def _confident(self, place: Place, subject: str, said: Prediction, now_ms: int) -> Alert:
        market, horizon_ms = place
        sure = self._record.get(place, Sure(0, 0))
        text = (
            f"{market}, {_length(horizon_ms)}: {said.direction} by {iso(said.for_ms)} with "
            f"{_chance(said):.0%}, from {said.mid:.8g} to {said.predicted_price:.8g}; "
            f"{self._track_record(place)}"
        )
        if sure.moved:
            text += f", {sure.right} of {sure.moved} as sure as this"
        details: Details = {
            "id": said.id, "horizon_ms": horizon_ms, "direction": said.direction,
            "probability": _chance(said), "mid": said.mid, "predicted_price": said.predicted_price,
            "for_ms": said.for_ms, "accuracy": self._scores.score(*place).accuracy,
            "as_sure": sure.moved, "as_sure_right": sure.right,
        }  # fmt: skip
        until_ms = now_ms + (said.for_ms - said.close_time_ms) + _FRESH_MS
        return Alert("confident", market, subject, text, now_ms, until_ms, details)

    def _track_record(self, place: Place) -> str:
        score = self._scores.score(*place)
        if score.accuracy is None or score.low is None or score.high is None:
            return "no outcomes yet in this run"
        return (
            f"right {score.accuracy:.1%} of the {score.moved} newest that moved "
            f"({score.low:.1%} to {score.high:.1%})"
        )


def _chance(prediction: Prediction) -> float:
    return prediction.p_up if prediction.direction == "up" else prediction.p_down


def _length(horizon_ms: int) -> str:
    return f"{horizon_ms / 1_000:g} s ahead"
