"""Refuses a training set that is not what it has to be, and says what is wrong with it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from marketstream.columns import FeatureTable
from marketstream.symbols import split_market, url_symbol
from predictor.gates import expectations
from predictor.gates.distribution import Distribution
from predictor.gates.last_set import LastSet
from predictor.gates.profile import Profile, profile
from predictor.gates.rules import Rule, rules_for
from predictor.settings import PredictorSettings
from predictor.training.prices import Label

_KEPT = 5
_MOST_WAITING = 8  # then Great Expectations is waited for


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a check: rows used and left out, what broke each rule, the Data Docs' folder.

    `complaint` says what could not be kept of it, `distributions` are those of the features.
    """

    rows: int
    incomplete: int
    broken: dict[str, str]
    docs: Path | None = None
    complaint: str | None = None
    distributions: Mapping[str, Distribution] = field(default_factory=dict, compare=False)

    @property
    def refusal(self) -> str | None:
        """Say in one line why the set is refused, and what can be done; None where it is not."""
        if not self.broken:
            return None
        said = ". ".join(f"{rule}: {detail}" for rule, detail in self.broken.items())
        return f"{said}. Mend the data, or set the limits in gates of the predictor's config.yaml"


class Gate:
    """Checks the training sets of markets, one after the other.

    In `folder` each market has a folder with the Data Docs of its newest checks and what is kept of
    its last set; without one there are no Data Docs, and the last sets are remembered here only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = None if folder is None else folder.absolute()  # as Great Expectations asks
        self._last: dict[str, LastSet] = {}
        self._waiting: list[tuple[Profile, list[Rule], Path | None]] = []

    def check(
        self,
        table: FeatureTable,
        settings: PredictorSettings,
        *,
        market: str,
        label: Label,
        now_ms: int,
        at_once: bool = False,
    ) -> Verdict:
        """Check a set that is to be trained on at `now_ms`.

        A set too small to train on breaks no rule, and rows before the first whole one none either:
        of their time nobody could tell, such as of a past whose trades are told in aggregates. One
        that was refused for nothing but its drift is what the next one is compared with. `at_once`
        does not wait for Great Expectations to be imported: until it is, the same rules are applied
        without it, a few times, see `catch_up`.
        """
        used = table.complete & (np.isfinite(table.mid) if label == "mid" else True)
        rows, incomplete = int(np.count_nonzero(used)), int(np.count_nonzero(~table.complete))
        if rows < settings.training.fewest_moved:
            return Verdict(rows, incomplete, {})
        table = table.rows(slice(int(np.argmax(used)), None))
        folder = self._folder_of(market)
        last = self._last.get(market) or LastSet.read(folder)
        found = profile(
            table, settings.features, settings.gates, label=label, now_ms=now_ms,
            last=last.distributions if last is not None and last.compares(table, label) else {},
        )  # fmt: skip
        rules = rules_for(settings.features, settings.gates)
        docs = None if folder is None else folder / _name(now_ms)
        complaint = None
        if len(self._waiting) >= _MOST_WAITING:
            self.catch_up()  # nobody is idle for long enough
        if at_once and not expectations.is_loaded():
            names = [rule.name for rule in rules if rule.is_broken(found)]
            self._waiting.append((found, rules, docs))
        else:
            names, complaint = _validate(found, rules, docs)
        if set(names) <= {"drift"}:
            self._last[market] = LastSet.of(table, label, found.distributions)
            complaint = complaint or _keep(self._last[market], folder)
        return Verdict(
            rows,
            incomplete,
            {rule.name: rule.detail(found) for rule in rules if rule.name in names},
            docs if docs is not None and complaint is None else None,
            complaint,
            found.distributions,
        )

    def catch_up(self) -> None:
        """Import Great Expectations, and write the Data Docs of what was checked without it."""
        expectations.load()
        while self._waiting:
            _validate(*self._waiting.pop())  # what cannot be written is said at the next check

    def _folder_of(self, market: str) -> Path | None:
        exchange, symbol = split_market(market)
        return None if self._folder is None else self._folder / f"{exchange}-{url_symbol(symbol)}"


def _name(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1_000, UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")


def _validate(found: Profile, rules: list[Rule], docs: Path | None) -> tuple[list[str], str | None]:
    """Return the rules that are broken, and why there are no Data Docs of the newest checks."""
    broken, write_docs = expectations.validate(found, rules)
    if docs is None:
        return broken, None
    try:
        write_docs(docs)
        checks = sorted(path for path in docs.parent.iterdir() if path.is_dir())
        for path in checks[:-_KEPT]:
            shutil.rmtree(path)
    except OSError as error:
        return broken, f"{docs}: cannot be written ({error})"
    return broken, None


def _keep(last: LastSet, folder: Path | None) -> str | None:
    """Keep a set in a folder, or return why that cannot be done."""
    try:
        if folder is not None:
            last.write(folder)
    except OSError as error:
        return f"{folder}: cannot be written ({error})"
    return None
