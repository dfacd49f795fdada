"""One side of an order book: the best levels in order, of the others just quantities."""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import islice
from math import inf
from typing import Literal

from exchanges.events import Levels

type Reach = Literal["snapshot", "all", "window"]
"""What is known: the snapshot's best levels, all there are, or as many as the venue keeps in view.

Changes come for all levels in the first two cases, in the third for those that are in view.
"""

_IN_VIEW = 32  # levels that are always in order


class Side:
    """One side of a book: bids where `sign` is 1, asks where it is -1.

    Its keys are prices times `sign`, so that the best is the greatest. Most changes are far from
    it: only those from `edge` on are kept in order, in `keys`. Below `floor` nothing is known.
    Levels of a snapshot are shown as they are, and there are no keys, until one of them changes.
    """

    __slots__ = (
        "_bound", "_edge", "_floor", "_least", "_most", "_quantities", "_reach", "_shown", "_sign",
        "keys",
    )  # fmt: skip

    def __init__(self, sign: int, most: int, reach: Reach) -> None:
        self._sign = sign
        self._most = most
        self._reach = reach
        is_window = reach == "window"  # then the worst go as soon as there are too many
        self._least = most if is_window else _IN_VIEW
        self._bound = most if is_window else 2 * most
        self._shown: Levels | None = ()
        self._quantities: dict[float, float] = {}
        self.keys: list[float] = []
        self._edge = self._floor = -inf

    @property
    def best(self) -> tuple[float, float] | None:
        """The best price and its quantity; None where there is none."""
        shown = self._shown
        if shown is not None:
            return shown[0] if shown else None
        if not self.keys:
            return None
        key = self.keys[-1]
        return self._sign * key, self._quantities[key]

    @property
    def is_beyond(self) -> bool:
        """Whether it is empty of what was known, and there may be more."""
        return self._floor > -inf and not (self._shown or self.keys)

    def levels(self, most: int) -> Levels:
        """Return so many levels, the best first."""
        if self._shown is not None:
            return self._shown[:most]
        keys = self.keys
        if len(keys) < most and self._edge > self._floor:
            keys = self._known()
        sign, quantities = self._sign, self._quantities
        return tuple([(sign * key, quantities[key]) for key in islice(reversed(keys), most)])

    def replace(self, levels: Levels) -> None:
        """Forget what was known, and begin with these levels."""
        self._shown, self.keys = tuple(sorted(levels, reverse=self._sign > 0)), []

    def change(self, levels: Levels) -> None:
        """Set the quantities of some prices; one of 0 is gone."""
        if self._shown is not None:
            self._begin(self._shown)
        sign, keys, quantities, edge = self._sign, self.keys, self._quantities, self._edge
        for price, quantity in levels:
            key = sign * price
            if quantity:
                if key >= edge and key not in quantities:
                    insort(keys, key)
                quantities[key] = quantity
            elif quantities.pop(key, 0.0) and key >= edge:
                del keys[bisect_left(keys, key)]
        if len(quantities) > self._bound or (len(keys) < self._least and edge > self._floor):
            self._order()
        elif len(keys) > 4 * self._least:
            self._cut(2 * self._least)

    def _begin(self, levels: Levels) -> None:
        """Begin to change a snapshot's levels."""
        sign = self._sign
        self._shown = None
        self._quantities = {sign * price: quantity for price, quantity in levels}
        self._floor = -inf
        if self._reach == "snapshot":
            self._floor = min(self._quantities, default=-inf)
        self._order()

    def _known(self) -> list[float]:
        return sorted(key for key in self._quantities if key >= self._floor)

    def _order(self) -> None:
        """Put what is known in order, and forget the worst beyond what is kept."""
        keys = self._known()
        if len(keys) > self._most:
            del keys[: -self._most]
            if self._reach != "window":
                self._floor = keys[0]
        if len(keys) < len(self._quantities):
            self._quantities = {key: self._quantities[key] for key in keys}
        self.keys, self._edge = keys, self._floor
        if len(keys) > 4 * self._least:
            self._cut(2 * self._least)

    def _cut(self, most: int) -> None:
        """Keep only so many in order."""
        del self.keys[:-most]
        self._edge = self.keys[0]
