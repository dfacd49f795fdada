"""What was not seen of a market, and what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec

type GapState = Literal["open", "repaired", "lost"]


class Gap(msgspec.Struct, frozen=True):
    """Trades of a market that were not seen: ids `[first_id, end_id)`, and the times on both sides.

    `since_us` is the time of the last trade before the gap, `until_us` of the first one after it,
    None while none has come. It begins `open`; `repaired` says that all of its trades have been
    published since, `lost` that they cannot be had, and `reason` why. Of an identity the newest
    writing counts, and one that is no longer open never opens again.
    """

    market: str
    first_id: int
    end_id: int
    since_us: int
    until_us: int | None
    state: GapState = "open"
    reason: str | None = None

    @property
    def identity(self) -> tuple[str, int, int]:
        """Market and the ids it spans."""
        return (self.market, self.first_id, self.end_id)
