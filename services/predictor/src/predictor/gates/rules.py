"""The rules for a training set, as data: what they are about, and what breaks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.gates.profile import Columns, Profile
from predictor.settings import GateSettings

_NAMED = 3
_CROSSED = 0.99  # of the rows: exchanges send a bid above the ask now and then
_JUMPS = 0.999  # of the rows: one wrong price makes two jumps

type Kind = Literal["between", "above", "not below", "unique", "known", "contains"]
type Table = Literal["whole", "rows", "features"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for a column of a profile's table; what is not known breaks none but `known`.

    The column is `between` `least` and `most`, `above` `least`, `not below` the column `other`,
    `unique`, or `contains` the `values`; so it is in a share of `mostly` of the rows.
    """

    name: str
    table: Table
    column: str
    kind: Kind
    least: float = -inf
    most: float = inf
    other: str = ""
    values: tuple[str, ...] = ()
    mostly: float = 1.0

    def is_broken(self, found: Profile) -> bool:
        """Say whether a profile breaks the rule."""
        columns = found.table(self.table)
        if self.kind == "contains":
            return not set(self.values) <= set(columns[self.column])
        wrong = int(np.count_nonzero(self._wrong(columns)))
        asked = [self.column, self.other] if self.other else [self.column]
        unknown = np.zeros(len(columns[self.column]), np.bool_)
        for name in asked if self.kind != "known" else ():
            unknown |= np.isnan(columns[name])
        known = int(np.count_nonzero(~unknown))
        return known > 0 and (known - wrong) / known < self.mostly

    def detail(self, found: Profile) -> str:
        """Name the first rows that break the rule, and what is allowed."""
        columns = found.table(self.table)
        if self.kind == "contains":
            there = set(columns[self.column])
            return ", ".join(name for name in self.values if name not in there) + " is not there"
        first = next(iter(columns))
        asked = [name for name in (self.column, self.other) if name not in ("", first)]
        named = [
            f"{first} {_text(columns[first][row])}: "
            + (", ".join(f"{name} {_text(columns[name][row])}" for name in asked) or "repeated")
            for row in np.flatnonzero(self._wrong(columns)).tolist()
        ]
        named = [*dict.fromkeys(named)]
        more = [f"and {len(named) - _NAMED} more"] if len(named) > _NAMED else []
        return "; ".join([*named[:_NAMED], *more]) + self._allowed()

    def _wrong(self, columns: Columns) -> NDArray[np.bool_]:
        column = columns[self.column]
        if self.kind == "known":
            return np.isnan(column)
        if self.kind == "unique":
            _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
            return np.asarray(counts[inverse] > 1)
        if self.kind == "not below":
            return np.asarray(column < columns[self.other])
        below = column <= self.least if self.kind == "above" else column < self.least
        return np.asarray(below | (column > self.most))

    def _allowed(self) -> str:
        words = [f"at most {self.most:g}"] if self.most < inf else []
        if self.least > -inf:
            words.insert(0, f"{'above' if self.kind == 'above' else 'at least'} {self.least:g}")
        return f" ({', '.join(words)})" if words else ""


def rules_for(wanted: Sequence[str], limits: GateSettings) -> list[Rule]:
    """Return the rules that the settings say; `wanted` are the features that models read."""
    rules = [
        Rule("gaps", "whole", "gap_share", "between", most=limits.gaps),
        Rule("incomplete", "whole", "incomplete_share", "between", most=limits.incomplete),
        Rule("freshness", "whole", "age_closes", "between", most=limits.age),
        Rule("duplicates", "rows", "close_time_ms", "unique"),
        Rule("order", "rows", "step_ms", "between", least=0),
        Rule("priced", "rows", "close", "known"),
        Rule("prices", "rows", "close", "above", least=0),
        Rule("book", "rows", "ask", "not below", other="bid", mostly=_CROSSED),
        Rule("jumps", "rows", "jump", "between", most=limits.jump, mostly=_JUMPS),
        Rule("schema", "features", "feature", "contains", values=tuple(dict.fromkeys(wanted))),
        Rule("missing", "features", "missing_share", "between", most=limits.missing),
        Rule("infinite", "features", "infinite", "between", most=0),
        Rule("range_low", "features", "lowest", "not below", other="least"),
        Rule("range_high", "features", "most", "not below", other="highest"),
    ]
    if limits.drift is not None:
        rules.append(Rule("drift", "features", "drift", "between", most=limits.drift))
    return rules


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
