"""What `--faults` says: `zombie=2/30s,drop=3%:seed=7`, `all`, or `none`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from exchange_simulator.faults.kinds import KINDS, Kind, kind_of
from marketstream.errors import SettingsError

_ITEM = re.compile(r"(\w+)(?:=([0-9.]+)(%?)(?:/([0-9.]+)s)?)?")
_SEED = re.compile(r"(.*?)(?::seed=([0-9]+))?")
_ALL_PER_MINUTE = 6.0
_FORM = "write kind=2 (a minute), kind=2/30s or kind=3%, with commas between, and :seed=7 last"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind, so often a minute (`per_minute`) for `seconds`, or always on a `share`."""

    kind: Kind
    per_minute: float | None
    share: float
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Spec:
    """The rules and the seed that chooses when and whom they strike."""

    rules: tuple[Rule, ...] = ()
    seed: int = 1


def parse_spec(text: str) -> Spec:
    """Read a spec; SettingsError names what cannot be read."""
    match = _SEED.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"faults {text!r} cannot be read: {_FORM}")
    items, seed = match[1], int(match[2] or 1)
    if items == "none":
        return Spec((), seed)
    rules = [rule for item in items.split(",") for rule in _rules(item.strip())]
    return Spec(tuple(rules), seed)


def _rules(item: str) -> list[Rule]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise SettingsError(f"fault {item!r} cannot be read: {_FORM}")
    name, number, percent, seconds = match.groups()
    rate = _number(number, item) if number else None
    lasting = _number(seconds, item) if seconds else None
    if name == "all":
        if percent:
            raise SettingsError(f"fault {item!r}: all takes faults a minute, no share")
        each = (_ALL_PER_MINUTE if rate is None else rate) / len(KINDS)
        return [Rule(kind, each, kind.share, lasting or kind.seconds) for kind in KINDS.values()]
    kind = kind_of(name)
    if percent:
        if kind.place not in ("frame", "request", "connect", "rest", "rows"):
            raise SettingsError(f"{name} strikes no share of messages: give faults a minute")
        if rate is None or rate > 100 or lasting is not None:
            raise SettingsError(f"fault {item!r}: a share is up to 100 % and has no duration")
        return [Rule(kind, None, rate / 100, None)]
    return [Rule(kind, 1.0 if rate is None else rate, kind.share, lasting or kind.seconds)]


def _number(text: str, item: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise SettingsError(f"fault {item!r} cannot be read: {_FORM}") from error
    if not (math.isfinite(number) and number > 0):
        raise SettingsError(f"fault {item!r}: give a number above 0")
    return number
