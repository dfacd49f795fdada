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
    writing counts; one that is no longer open never opens again, and one that was lost can only be
    repaired. Where a numbering begins again, in the next `epoch`, a gap without ids
    (`first_id == end_id`) says between which times nobody knows what was missed.
    """

    market: str
    first_id: int
    end_id: int
    since_us: int
    until_us: int | None
    state: GapState = "open"
    reason: str | None = None
    epoch: int = 0

    @property
    def identity(self) -> tuple[str, int, int, int]:
        """Market, the ids it spans, and the numbering they are of."""
        return (self.market, self.first_id, self.end_id, self.epoch)
