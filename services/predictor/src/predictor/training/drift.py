"""Whether a market has become another one than the one that its models were trained on.

Features are compared by the population stability index, as the gates compare training sets. The
loss of what serves is followed by an e-detector (Shin, Ramdas and Rinaldo 2024, "E-detectors", New
England Journal of Statistics in Data Science 2): each row begins a bet of its own that from here on
the loss is higher than on the rows that the models were judged on, and the bets are summed,
M <- (1 + M)(1 + λd). As long as the loss is not higher, the mean of M after n rows is at most n: so
until it says `once_in` for the first time, so many rows pass in the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle
from operator import mul
from typing import Literal

from marketstream.evidence import Streams
from marketstream.messages import Outcome, Prediction
from predictor.gates.distribution import WINDOW, Distribution
from predictor.settings import DriftSettings
from predictor.training.history import FeatureHistory

_EVERY_ROWS = 10  # one feature: it takes 0.1 ms, and predictions of other markets wait
_FEWEST_BEYOND = 3  # one alone, such as how much a market moves in a day, always wanders
_NAMED = 3
_BETS = (0.25, 0.5, 1.0)
_MARGIN = 0.01  # of the quadratic loss: judged on other rows, none is known better
_RECENT = 200  # rows of the loss that a drift is known by
_MOST = 1e100
_WAITING = 2_000  # predictions whose outcome is to come

type DriftCause = Literal["drift of features", "drift of loss"]


class FeatureDrift:
    """Compares the newest window with the training set, a feature at a time.

    A feature has to be beyond the limit, and beyond what is usual by the set's own windows. So what
    wanders in a market that stays as it is does not count, and neither does a drift of which the
    set has a window already. What the set has too few windows of is not followed.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._then: Mapping[str, Distribution] = {}
        self._limits: Mapping[str, float] = {}
        self._names: Iterator[str] = iter(())
        self._rows = 0
        self._beyond: dict[str, float] = {}

    def begin(self, then: Mapping[str, Distribution]) -> None:
        """Compare with a set from now on; what has come before is no part of it any more."""
        self._limits = self._limits_of(then)
        self._then = {name: then[name] for name in self._limits}
        self._names = cycle(self._then)
        self._rows = 0
        self._beyond = {}

    def observe(self, history: FeatureHistory) -> None:
        """Note that there is one row more."""
        self._rows += 1
        if not self._then or self._rows < WINDOW or self._rows % _EVERY_ROWS:
            return
        name = next(self._names)
        self._beyond.pop(name, None)
        distance = self._then[name].distance(history.newest(name, WINDOW))
        if distance > self._limits[name]:
            self._beyond[name] = distance

    def _limits_of(self, then: Mapping[str, Distribution]) -> Mapping[str, float]:
        if self._limit is None:
            return {}
        return {
            name: max(self._limit, each.usual)
            for name, each in then.items()
            if each.usual is not None
        }

    @property
    def found(self) -> str | None:
        """What is beyond the limit, the farthest first; None where fewer than three are."""
        if len(self._beyond) < max(1, min(_FEWEST_BEYOND, len(self._then))):
            return None
        farthest = sorted(self._beyond.items(), key=lambda each: -each[1])[:_NAMED]
        return ", ".join(f"{name} by {distance:.2f}" for name, distance in farthest)


class LossDrift:
    """Follows the quadratic loss of up against down of one horizon, where the price moved.

    Rows that overlap take turns at several detectors, whose mean is what counts; the row that is
    still open counts as won by who says that nothing has changed. Once a drift is shown and has
    been heard, so high a loss is no news, whoever serves, until it is as it was judged again.
    """

    def __init__(self, streams: Streams, once_in: int | None) -> None:
        self._streams = streams
        self._once_in = once_in
        self._judged: float | None = None
        self._known: float | None = None  # the loss of a drift that was heard
        self._expected: float | None = None
        self._sums = self._nothing()
        self._is_near = False  # where no sum has come so far, neither has their mean
        self._said: dict[int, float] = {}
        self._rows = 0
        self._lost = self._recent = 0.0

    def begin(self, expected: float | None) -> None:
        """Follow a model whose loss was so much on rows that it was judged on, if that is known."""
        self._judged = None if self._once_in is None else expected
        self._expected = self._judged
        if self._judged is not None and self._known is not None:
            self._expected = max(self._judged, self._known)
        self._sums = self._nothing()
        self._is_near = False
        self._said.clear()
        self._rows, self._lost, self._recent = 0, 0.0, 0.0

    def heard(self) -> None:
        """Note that what is shown, if anything, has brought a training."""
        if self.found is not None:
            self._known = max(self._recent, self._known or 0.0)

    def forget(self) -> None:
        """Take a higher loss for news again, where it has come down to what was judged."""
        if self._rows and self._judged is not None and self._recent <= self._judged + _MARGIN:
            self._known = None

    def predicted(self, prediction: Prediction) -> None:
        """Remember what was said until its outcome comes."""
        moves = prediction.p_up + prediction.p_down
        if self._expected is None or not moves:
            return
        self._said[prediction.close_time_ms] = prediction.p_up / moves
        if len(self._said) > _WAITING:
            del self._said[next(iter(self._said))]

    def happened(self, outcome: Outcome) -> None:
        """Count the loss of what was said at a close; one that did not move counts for nothing."""
        p_up = self._said.pop(outcome.close_time_ms, None)
        if p_up is None or self._expected is None or not outcome.realised_return:
            return
        loss = (p_up - (outcome.realised_return > 0)) ** 2
        self._rows += 1
        self._lost += loss
        self._recent += (loss - self._recent) / min(self._rows, _RECENT)
        sums = self._sums[outcome.close_time_ms // self._streams.every_ms % self._streams.turns]
        beyond = loss - self._expected - _MARGIN
        for place, bet in enumerate(_BETS):
            sums[place] = min((1 + sums[place]) * (1 + bet * beyond), _MOST)
        self._is_near = self._is_near or max(sums) >= (self._once_in or 0)

    @property
    def found(self) -> str | None:
        """How far the loss is beyond what was expected, None where that is not shown."""
        if self._expected is None or self._once_in is None or not self._is_near:
            return None
        kept = [1 - bet * min(self._expected + _MARGIN, 0.99) for bet in _BETS]
        owned = sum(sum(map(mul, sums, kept)) for sums in self._sums)
        if owned / (len(self._sums) * len(_BETS)) < self._once_in:
            return None
        mean = self._lost / self._rows
        horizon_s = self._streams.horizon_ms / 1_000
        return f"{horizon_s:g} s ahead {mean:.3f} instead of {self._expected:.3f}"

    def _nothing(self) -> list[list[float]]:
        return [[0.0] * len(_BETS) for _ in range(self._streams.turns)]


class Drift:
    """Both, of one market; `found` names the first that has been shown, and in which figures."""

    def __init__(self, streams: Mapping[int, Streams], settings: DriftSettings) -> None:
        self.features = FeatureDrift(settings.features)
        self.losses = {
            horizon_ms: LossDrift(each, settings.loss_once_in)
            for horizon_ms, each in streams.items()
        }

    def hear(self, message: Prediction | Outcome) -> None:
        """Note what was predicted in time by what serves, and what came of it."""
        losses = self.losses.get(message.horizon_ms)
        if losses is None or message.role != "champion" or message.late:
            return
        if isinstance(message, Outcome):
            losses.happened(message)
        elif not message.preview:
            losses.predicted(message)

    def heard(self) -> None:
        """Note that what is shown has brought a training: that it goes on is no news."""
        for losses in self.losses.values():
            losses.heard()

    def forget(self) -> None:
        """Take for news again what is over."""
        for losses in self.losses.values():
            losses.forget()

    @property
    def found(self) -> tuple[DriftCause, str] | None:
        """What has been shown; None while nothing is."""
        for losses in self.losses.values():
            if (shown := losses.found) is not None:
                return "drift of loss", shown
        beyond = self.features.found
        return None if beyond is None else ("drift of features", beyond)
