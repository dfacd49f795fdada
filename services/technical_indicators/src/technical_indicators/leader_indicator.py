"""An indicator of a market's leader by its name and parameters: a definition of `leaders/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from math import ceil

import numpy as np

from marketstream.columns import Floats
from marketstream.timeframes import timeframe_ms
from technical_indicators import leaders
from technical_indicators.defined import definition_of, digest_of, files_of, form_of
from technical_indicators.given import checked, named
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition
from technical_indicators.leader_row import SILENT_S
from technical_indicators.port import OF_BASE

NUMBER = "leader"
"""The parameter that all have: which of the other markets of the group, the first being 1."""
_PREFIX = "leader_"


def leader_names() -> list[str]:
    """Return the names of the modules of `leaders`: each is an indicator."""
    return files_of(leaders)


class LeaderIndicator:
    """One indicator of a market's leader, with its parameters.

    `number` says of which other market of the group, the first being 0. Its feature is named after
    its file and the parameters that were given: `leader_return_1`, `leader2_return_1` of the second
    leader. SettingsError names a parameter that makes no sense; TooShortError is raised of a span
    shorter than a candle of `base`.
    """

    def __init__(self, name: str, parameters: Mapping[str, int | float] | None, base: str) -> None:
        self.family = "leaders"
        self.module = module = import_module(f"{leaders.__name__}.{name}")
        definition = definition_of(f"leaders/{name}.py", module, LeaderDefinition, OF_BASE)
        self.definition = replace(definition, parameters={**definition.parameters, NUMBER: 1})
        given = checked(name, parameters or {}, self.definition.parameters)
        number = int(given.pop(NUMBER, 1))
        base_s = timeframe_ms(base) / 1_000
        self.form = form_of(name, definition, given, base_s)
        self.number = number - 1
        whose = name if number == 1 else f"leader{number}_{name.removeprefix(_PREFIX)}"
        self.names: tuple[str, ...] = (named(whose, given),)
        self.lookback = self.form.rows - 1
        self.settles = self.form.rows + ceil(SILENT_S / base_s)
        self.digest = digest_of(module)

    def series(self, pairs: PairColumns) -> Floats:
        """Return its series as of each base close of the market; NaN is what is not known."""
        with np.errstate(all="ignore"):
            series = self.form.columnar(pairs)
        return pairs.at_closes(series, self.form.rows)
