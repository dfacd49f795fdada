"""A set that forgets: what comes a second time comes soon."""

from __future__ import annotations

from collections.abc import Hashable


class Recent:
    """The newest `most` of what was added."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: dict[Hashable, None] = {}

    def add(self, item: Hashable) -> bool:
        """Remember an item; return whether it was new."""
        if item in self._items:
            return False
        self._items[item] = None
        if len(self._items) > self._most:
            del self._items[next(iter(self._items))]
        return True

    def take(self, item: Hashable) -> bool:
        """Forget an item; return whether it was there."""
        if item not in self._items:
            return False
        del self._items[item]
        return True
