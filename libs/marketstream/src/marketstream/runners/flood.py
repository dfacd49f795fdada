"""Bounds how many dead letters are published: what floods in is counted, and said once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from marketstream.messages import DeadLetter
from marketstream.messages.dead_letter import MOST_TEXT

_EVERY_S = 60.0
_MOST_ALIKE = 30
_MOST_OF_A_SOURCE = 300
_PLACE = re.compile(r"\[\d+\]@\d+$")
_VARIES = re.compile(r"""'[^']*'|"[^"]*"|[-+]?\d[\w.+-]*""")
_OTHERS = "for other reasons"
_REASON = 120  # characters that say what kind of reason it is

type _Kind = tuple[str, str]


class Flood:
    """Lets the first letters of a minute pass, by source and reason, and counts the others.

    Reasons that differ in numbers and quoted words only are one. At most 30 letters alike pass in a
    minute, and 300 of a source. What was held back is summed up in one letter a source and reason
    once the minute is over. Letters that pass are cut. Times are seconds of any clock that only
    moves on.
    """

    def __init__(self) -> None:
        self._since_s = float("-inf")
        self._seen: Counter[_Kind] = Counter()
        self._of_source: Counter[str] = Counter()
        self._held_back: dict[_Kind, DeadLetter] = {}

    @property
    def owes(self) -> bool:
        """Whether something was held back that has not been summed up yet."""
        return bool(self._held_back)

    def admit(self, letter: DeadLetter, now_s: float) -> list[DeadLetter]:
        """Return what is to be published now that a letter has come."""
        due = self.due(now_s)
        source = _PLACE.sub("", letter.source)[:MOST_TEXT]
        kind = (source, _VARIES.sub("…", letter.reason[:MOST_TEXT])[:_REASON])
        if self._of_source[source] >= _MOST_OF_A_SOURCE and kind not in self._seen:
            kind = (source, _OTHERS)
        elif self._seen[kind] < _MOST_ALIKE and self._of_source[source] < _MOST_OF_A_SOURCE:
            self._seen[kind] += 1
            self._of_source[source] += 1
            return [*due, letter.cut()]
        before = self._held_back.get(kind)
        more = 1 if before is None else before.more + 1
        self._held_back[kind] = DeadLetter(
            source, b"", letter.reason[:MOST_TEXT], letter.received_us, more=more
        )
        return list(due)

    def due(self, now_s: float) -> Sequence[DeadLetter]:
        """Return the summaries of a minute that is over; none while it lasts."""
        if now_s - self._since_s < _EVERY_S:
            return ()
        self._since_s = now_s
        self._seen.clear()
        self._of_source.clear()
        return self.rest()

    def rest(self) -> Sequence[DeadLetter]:
        """Return the summaries of what was held back so far."""
        summaries = [_summary(kind, last) for (_, kind), last in self._held_back.items()]
        self._held_back.clear()
        return summaries


def _summary(kind: str, last: DeadLetter) -> DeadLetter:
    more = f"and {last.more:,} more"
    if kind == _OTHERS:
        reason = f"{more} {_OTHERS}, the last one: {last.reason}"
    else:
        reason = f"{more} like it: {last.reason}"
    return msgspec.structs.replace(last, reason=reason).cut()
