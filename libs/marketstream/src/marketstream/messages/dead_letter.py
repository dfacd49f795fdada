"""What could not be used."""

from __future__ import annotations

import msgspec


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that could not be used: the raw bytes, where it came from, and why."""

    source: str
    raw: bytes
    reason: str
    received_us: int

    @property
    def identity(self) -> tuple[str, bytes, int]:
        """Where it came from, its bytes and when."""
        return (self.source, self.raw, self.received_us)
