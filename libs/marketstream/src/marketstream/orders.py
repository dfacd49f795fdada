"""Which of values in a row are in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def longest_rising(values: Sequence[int], *, strictly: bool) -> list[int]:
    """Return the positions of a longest run of values that rise, or at least do not fall.

    https://en.wikipedia.org/wiki/Longest_increasing_subsequence
    """
    place_of = bisect_left if strictly else bisect_right
    ends: list[int] = []  # the least value that a run of each length ends with
    ends_at: list[int] = []
    before: list[int] = []
    for position, value in enumerate(values):
        length = place_of(ends, value)
        before.append(ends_at[length - 1] if length else -1)
        ends[length : length + 1] = [value]
        ends_at[length : length + 1] = [position]
    positions = []
    position = ends_at[-1] if ends_at else -1
    while position >= 0:
        positions.append(position)
        position = before[position]
    return positions[::-1]
