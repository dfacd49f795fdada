"""A gap in the trade ids while it is being repaired."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from marketstream.messages import Gap


@dataclass(slots=True)
class OpenGap:
    """A gap as it was declared, what of its ids is left to fetch, and what can't be had of it.

    `since_us` is the time of the last trade before what is left.
    """

    declared: Gap
    left: range = field(init=False)
    since_us: int = field(init=False)
    lacking: int = 0

    def __post_init__(self) -> None:
        self.left = range(self.declared.first_id, self.declared.end_id)
        self.since_us = self.declared.since_us

    def advance(self, next_id: int, time_us: int) -> range:
        """Note that all before an id is known by now; return the ids that were still left."""
        end_id = min(max(next_id, self.left.start), self.left.stop)
        passed, self.left = range(self.left.start, end_id), range(end_id, self.left.stop)
        self.since_us = time_us
        return passed

    def closed(self, reason: str | None = None) -> Gap:
        """Return what became of it: lost where trades of it can't be had, or for that reason."""
        if reason is None and self.lacking:
            reason = f"the exchange does not have {self.lacking} of these trades"
        return replace(self.declared, state="repaired" if reason is None else "lost", reason=reason)
