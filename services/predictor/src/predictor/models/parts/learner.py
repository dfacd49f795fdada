"""What a learner is: a way to fit, what can be set of it, and the form its models are kept in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import msgspec

from marketstream.columns import Flags, Floats
from predictor.models.parts.hyperparameters import Hyperparameter, Range, checked


class Classifier(Protocol):
    """Says how likely something is, row by row."""

    def probability(self, rows: Floats) -> Floats:
        """Return a probability in (0, 1) per row; NaN in a row means not known."""
        ...

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the probability of one row: what serving asks for."""
        ...


type Fit = Callable[[Floats, Flags, Mapping[str, float]], Classifier]
type Contributions = Callable[[Any, Sequence[float]], list[float]]
type Correct = Callable[[Floats, Flags, dict[str, int | float], Floats], Classifier]
"""Fits to rows what has to be added to log odds that are given, one for each of them."""


@dataclass(frozen=True, slots=True)
class Form:
    """How models of one class are written as JSON and read again, bit for bit.

    `kind` tells forms apart. `read` raises ValueError, or what msgspec does, for what is no such
    model. `contributions` says what each column of a row adds to the log odds: the rest is the
    same for all rows. Without it a model cannot be taken apart.
    """

    kind: str
    made: type
    write: Callable[[Any], dict[str, Any]]
    read: Callable[[dict[str, Any]], Classifier]
    contributions: Contributions | None = None


def plain_form(kind: str, made: type, contributions: Contributions | None = None) -> Form:
    """Return the form of a dataclass of plain numbers: its fields."""
    return Form(kind, made, asdict, lambda written: msgspec.convert(written, made), contributions)


@dataclass(frozen=True, slots=True)
class Learner:
    """A learner by name; calling it fits a classifier to rows and whether each went up.

    `fit` is given all hyperparameters, checked. Rows may hold NaN. The same rows have to give the
    same model, on one thread, and the model has to pickle: training runs in another process.
    `space` is what a search tries. `correct` fits on top of given log odds: the log odds of the
    model it returns are what is added to them. A learner without it is fitted by itself.
    """

    name: str
    fit: Callable[[Floats, Flags, dict[str, int | float]], Classifier]
    hyperparameters: Mapping[str, Hyperparameter]
    space: Mapping[str, Range]
    form: Form
    correct: Correct | None = None

    def __call__(self, rows: Floats, up: Flags, given: Mapping[str, float]) -> Classifier:
        """Return a fitted classifier; SettingsError for hyperparameters that make no sense."""
        return self.fit(rows, up, self.checked(given))

    def on_top(
        self, rows: Floats, up: Flags, given: Mapping[str, float], offset: Floats
    ) -> Classifier:
        """Return what is fitted on top of log odds, or where it cannot be, fitted by itself."""
        if self.correct is None:
            return self(rows, up, given)
        return self.correct(rows, up, self.checked(given), offset)

    def checked(self, given: Mapping[str, float]) -> dict[str, int | float]:
        """Return all hyperparameters, those given over the defaults, or raise SettingsError."""
        return checked(self.name, self.hyperparameters, given)
