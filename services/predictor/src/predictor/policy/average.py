"""The online average of candidates that serves: who was right of late counts more.

When an outcome is known whose price moved, each candidate's log weight fades and takes up what the
candidate had said of it, and what is served is their mean:

    w_i <- w_i 2^(-d/H) + min(1, d/h) ln p_i(outcome),    p = sum e^(w_i) p_i / sum e^(w_i)

where h is the horizon, H the half-life and d the time since the outcome before. Outcomes of
overlapping horizons count by the time that they add, none more than once. That is the exponentially
weighted forecaster (Vovk 1990; Cesa-Bianchi and Lugosi 2006, Prediction, Learning, and Games, ch.
2 and 2.11 for the discount) for log loss, which is mixable at rate 1.

A candidate that cannot speak sleeps (Freund, Schapire, Singer and Warmuth 1997, Using and combining
predictors that specialize): it is charged what was served. So is one that did not exist yet, and a
newcomer begins with the weight that the mixture has earned: no handicap, and no advantage. One that
takes another's place, as a reference that was fitted anew, goes on with its weight. But a model
from outside, which nobody has judged, begins with a hundredth of the mixture's, and makes up for
that by outcomes at which it spoke alone, not by time: b <- b max(2^(-d/H), 2^(-1/120)), where its
weight is e^(w - b). Since that fades no faster than all else, no other's bound suffers; its own is
ln 100 more.

What is certain: where each outcome is known before the next prediction, the sum of
2^(-age/H) min(1, d/h) (loss served - loss of i) over the outcomes at which i spoke is at most ln N
at any time, for every candidate i, without any assumption of the market; N counts all that ever sat
here, a place that was handed over once. At 1 s with H = 120 s the memory is 173 outcomes, so among
six that is 0.010 an outcome. Horizons longer than the distance of closes have their outcomes late,
and for them it is measured, not proven (docs/accuracy.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import exp, log
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from predictor.training.prices import Label

AVERAGE: Final = "average"
"""The name under which it serves."""

SURE = 1e-6  # what is closer to 0 counts as this
_UNPROVEN = log(100.0)
_MADE_UP = 2.0 ** (-1 / 120)  # what is left of it at least after an outcome
_MINUTE_MS = 60_000
_QUOTES_MS = 120_000
_PRINTS_MS = 2 * 3_600_000
_CANDLES_MS = 14 * 86_400_000


def half_life_ms(step_ms: int, label: Label) -> int:
    """Return H: two minutes on quotes, two hours on prints alone, 14 days on candles of minutes."""
    if label == "close" or step_ms >= _MINUTE_MS:
        return _CANDLES_MS
    return _QUOTES_MS if label == "mid" else _PRINTS_MS


class Seat(msgspec.Struct, array_like=True):
    """A candidate's place: which model has it, as name and version, and the log of its weight.

    `behind` is the handicap of one that nobody has judged, which it makes up for as it speaks.
    """

    model: str
    log: float
    behind: float = 0.0


class Average(msgspec.Struct, array_like=True):
    """The weights of one horizon's candidates, by name.

    `mixture` is the log weight that what was served has earned, `until_ms` the moment that the last
    outcome was about. It is the market's, and goes on when models change.
    """

    seats: dict[str, Seat] = {}
    mixture: float = 0.0
    until_ms: int | None = None

    def seat(self, models: Mapping[str, str], unproven: Collection[str] = ()) -> None:
        """Have these models, by name, and no others take part from now on.

        A model keeps its weight, also under another name. One that comes new has the weight of the
        one whose name it takes, where that one is gone, and else that of the mixture, a hundredth
        of it where it is `unproven`.
        """
        known = {seat.model: seat for seat in self.seats.values()}
        staying = set(models.values())

        def begins(name: str, model: str) -> Seat:
            if model in known:
                return known[model]
            if name in unproven:
                return Seat(model, self.mixture, _UNPROVEN)
            before = self.seats.get(name)
            if before is not None and before.model not in staying:
                return Seat(model, before.log)
            return Seat(model, self.mixture)

        self.seats = {name: begins(name, model) for name, model in models.items()}

    def shares(self, names: Collection[str], at_ms: int, half_life_ms: int) -> dict[str, float]:
        """Return the shares of these candidates in what is said about a moment; they sum to 1."""
        return dict(zip(names, self.weights(names, at_ms, half_life_ms), strict=True))

    def weights(self, names: Iterable[str], at_ms: int, half_life_ms: int) -> list[float]:
        """Return the same shares in the order of the names."""
        fades = self._fades(at_ms, half_life_ms)
        made_up = max(fades, _MADE_UP)
        seats = map(self.seats.__getitem__, names)
        logs = [seat.log * fades - seat.behind * made_up for seat in seats]
        most = max(logs, default=0.0)
        weights = [exp(each - most) for each in logs]
        total = sum(weights)
        return [weight / total for weight in weights]

    def happened(
        self,
        said: Mapping[str, float],
        served: float,
        *,
        up: bool,
        at_ms: int,
        horizon_ms: int,
        half_life_ms: int,
    ) -> None:
        """Learn from a price that moved; `said` is by model, `served` what was served then.

        Both are probabilities of up, given that it moves. `at_ms` is the moment it was about;
        outcomes come in the order of that.
        """
        fades = self._fades(at_ms, half_life_ms)
        made_up = max(fades, _MADE_UP)
        since_ms = horizon_ms if self.until_ms is None else at_ms - self.until_ms
        counts = max(0.0, min(1.0, since_ms / horizon_ms))
        served_earned = counts * log(max(SURE, served if up else 1 - served))
        for seat in self.seats.values():  # plain floats: arrays cost more for so few
            p = said.get(seat.model)
            if p is None:
                seat.log = fades * seat.log + served_earned
                continue
            if not up:
                p = 1 - p
            seat.log = fades * seat.log + counts * log(p if p > SURE else SURE)  # noqa: FURB136
            if seat.behind:
                seat.behind *= made_up
        self.mixture = fades * self.mixture + served_earned
        self.until_ms = at_ms if self.until_ms is None else max(at_ms, self.until_ms)

    def _fades(self, at_ms: int, half_life_ms: int) -> float:
        """Return what is left of a weight by a moment."""
        if self.until_ms is None:
            return 1.0
        return float(2.0 ** (-max(0, at_ms - self.until_ms) / half_life_ms))
