"""The name that somebody may have meant who wrote one that there is not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.4  # as difflib counts: something has to be alike, no more, for the list follows


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean RSI? ` for the nearest of the names, empty where none is like it.

    Case does not count.
    """
    by_key = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), by_key, n=1, cutoff=_ALIKE)
    return f"did you mean {by_key[near[0]]}? " if near else ""
