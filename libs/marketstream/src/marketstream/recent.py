"""A set that forgets: what comes a second time comes soon."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator


class Recent[Item: Hashable]:
    """The newest `most` of what was added, in that order."""

    def __init__(self, most: int, items: Iterable[Item] = ()) -> None:
        self._most = most
        # A dict would look for its first item behind all that were deleted from there: 1 µs.
        self._items: OrderedDict[Item, None] = OrderedDict.fromkeys(items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __contains__(self, item: Item) -> bool:
        return item in self._items

    def add(self, item: Item) -> bool:
        """Remember an item; return whether it was new."""
        items = self._items
        if item in items:
            return False
        items[item] = None
        if len(items) > self._most:
            items.popitem(last=False)
        return True

    def take(self, item: Item) -> bool:
        """Forget an item; return whether it was there."""
        if item not in self._items:
            return False
        del self._items[item]
        return True
