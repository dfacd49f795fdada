"""A silence of a market that is neither plausible nor proven."""

from __future__ import annotations

from typing import Literal

import msgspec

type Channel = Literal["trades", "quotes", "connection"]
type StallEnd = Literal["open", "quiet", "resumed", "zombie"]


class Stall(msgspec.Struct, frozen=True):
    """Nothing came of a market for longer than it is ever silent, and time stood still meanwhile.

    `since_us` is the time up to which it was seen, `until_us` the one from which it went on, None
    while it lasts. It is `open` until it turns out what it was: `quiet` (the exchange, asked, knows
    no more either), `resumed` (the rest came by itself), or `zombie` (the exchange knows more: the
    connection was given up, and what it left out fetched). Of an identity the newest writing
    counts.
    """

    market: str
    since_us: int
    channel: Channel
    until_us: int | None = None
    end: StallEnd = "open"

    @property
    def identity(self) -> tuple[str, int, Channel]:
        """Market, when it began, and the channel."""
        return (self.market, self.since_us, self.channel)
