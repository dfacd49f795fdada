"""One thing that is told to people, once."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

type Chosen = Literal["confident", "skill", "drift", "stall", "gap"]
type Kind = Chosen | Literal["test"]
type Details = dict[str, str | int | float | None]

KINDS: tuple[Chosen, ...] = ("confident", "skill", "drift", "stall", "gap")
"""What there are alerts of, beside the test of `realtime alerts test`."""


class Alert(msgspec.Struct, frozen=True):
    """What is told of a market: in words, and in figures for programs.

    `subject` is what it is about; of a kind, market and subject nothing is told twice within the
    time that the settings call `quiet`. It is worth nothing after `until_ms`. Times are the
    market's.
    """

    kind: Kind
    market: str
    subject: str
    text: str
    at_ms: int
    until_ms: int
    details: Details = {}

    @property
    def id(self) -> str:
        """The same for the same alert, however often it is sent."""
        said = f"{self.kind}|{self.market}|{self.subject}|{self.at_ms}|{self.text}"
        return hashlib.sha256(said.encode()).hexdigest()[:24]
