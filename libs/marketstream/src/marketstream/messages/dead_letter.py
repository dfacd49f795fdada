"""What could not be used."""

from __future__ import annotations

import hashlib

import msgspec

MOST_RAW = 65_536
"""Bytes of what could not be used that a dead letter holds; in base64 a broker takes them."""

MOST_TEXT = 1_000
"""Characters of a reason, or of where something came from, that a dead letter holds."""


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that could not be used: the raw bytes, where it came from, and why.

    Of what is large only the beginning is `raw`: then `size` is how many bytes there were, and
    `sha256` their digest in hexadecimal digits. Where many are alike in a short time, only the
    first of them are letters of their own, and one without bytes says how many `more` there were.
    """

    source: str
    raw: bytes
    reason: str
    received_us: int
    size: int | None = None
    sha256: str | None = None
    more: int = 0

    @property
    def identity(self) -> tuple[str, bytes, int]:
        """Where it came from, its bytes and when."""
        return (self.source, self.raw, self.received_us)

    @property
    def whole_size(self) -> int:
        """How many bytes there were."""
        return len(self.raw) if self.size is None else self.size

    def cut(self) -> DeadLetter:
        """Return it with no more of its bytes and words than fit anywhere."""
        source, reason = _beginning(self.source), _beginning(self.reason)
        if len(self.raw) <= MOST_RAW:
            if source is self.source and reason is self.reason:
                return self
            return msgspec.structs.replace(self, source=source, reason=reason)
        return DeadLetter(
            source,
            self.raw[:MOST_RAW],
            reason,
            self.received_us,
            len(self.raw),
            hashlib.sha256(self.raw).hexdigest(),
            self.more,
        )


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
