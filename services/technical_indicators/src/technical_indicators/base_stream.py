"""The live side of the indicators of base candles, all of them together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any

from marketstream.messages import Candle
from technical_indicators.base_definition import Form, Recursive, State, Windowed
from technical_indicators.base_indicator import BaseIndicator
from technical_indicators.base_row import BaseRow

_FEWEST = 64  # candles within which a revision is made good

type States = list[State | None]


class BaseStream:
    """Fed every closed base candle of one market: the last ones, and what recursions came to.

    `window` is how many are looked back on, `at_least` so many.

    `before` is what recursions had come to before the oldest candle of the window: with the window
    itself that is all that has to be kept to go on elsewhere, with the same bits.
    """

    def __init__(self, indicators: Sequence[BaseIndicator], at_least: int) -> None:
        forms = [each.form for each in indicators]
        self._recursive = [each for each in forms if isinstance(each, Recursive)]
        self._steps = [each.step for each in self._recursive]
        self._values: list[tuple[Callable[[Any], float | None], int]] = [
            (each.value, _rows_of(each)) for each in forms
        ]
        windowed = [rows for _, rows in self._values]
        self.window = max(_FEWEST, at_least, *windowed) if indicators else at_least
        self._rows: deque[BaseRow] = deque(maxlen=self.window)
        self._states = self._nothing()
        self._before: deque[States] = deque(maxlen=self.window)
        self._last_close_ms = -1

    @property
    def before(self) -> States:
        """What recursions had come to before the window."""
        return self._before[0] if self._before else self._states

    def update(self, candle: Candle) -> None:
        """Fold a closed base candle; a hole in time begins everything anew."""
        if not self._values:
            return
        if candle.open_time_ms != self._last_close_ms:
            self._rows.clear()
            self._states = self._nothing()
        self._last_close_ms = candle.close_time_ms
        row = BaseRow(candle, self._rows[-1] if self._rows else None)
        self._rows.append(row)
        self._before.append(self._states)
        self._states = [
            step(state, row) for step, state in zip(self._steps, self._states, strict=True)
        ]

    def go_on(self, before: States, candles: Iterable[Candle]) -> None:
        """Begin anew with these candles, from what recursions had come to before them."""
        kept = list(candles)
        self._rows.clear()
        self._before.clear()
        self._states = before if len(before) == len(self._recursive) else self._nothing()
        self._last_close_ms = kept[0].open_time_ms if kept else -1
        for candle in kept:
            self.update(candle)

    def values(self) -> list[float | None]:
        """Return the features as of the newest base candle, in order."""
        return self._as_of(self._rows)

    def peek(self, candle: Candle) -> list[float | None]:
        """Return the features with the book as of a forming candle, the others as they were."""
        return self._as_of([BaseRow(candle, None)])

    def _as_of(self, newest: Sequence[BaseRow]) -> list[float | None]:
        """Return the features; those of one candle alone are of the newest of these."""
        values: list[float | None] = []
        states = iter(self._states)
        rows, seen = self._rows, len(self._rows)
        for value_of, needed in self._values:
            value = None
            if needed == 0:
                state = next(states)
                if state is not None:
                    value = value_of(state)
            elif needed == 1 and newest:
                value = value_of(newest)
            elif 1 < needed <= seen:
                value = value_of(rows)
            values.append(value if value is not None and isfinite(value) else None)
        return values

    def _nothing(self) -> States:
        return [None] * len(self._recursive)


def _rows_of(form: Form) -> int:
    """Return how many candles a form is given at once, 0 where it is given a state."""
    return form.rows if isinstance(form, Windowed) else 0
