"""What a number on the wire has to be like, whichever way it comes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from marketstream.errors import SettingsError

Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e18)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, lt=1e18)]
Rate = Annotated[float, msgspec.Meta(ge=-1, le=1)]
"""A funding rate: venues bound it to a few percent."""


def check_levels(levels: int, most: int) -> None:
    """Raise SettingsError where a stream cannot follow so many levels of a book."""
    if not 0 <= levels <= most:
        can = f"choose 0 to {most}" if most else "this exchange's books are not followed"
        raise SettingsError(f"{levels} levels of a book: {can}")
