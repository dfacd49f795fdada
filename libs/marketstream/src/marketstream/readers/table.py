"""Trades as columns, whatever they were read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from marketstream.errors import InputError
from marketstream.readers.numberings import by_id, numberings
from marketstream.readers.numbers import Flags, Integers, Numbers, in_units
from marketstream.readers.refusals import Refused, Rows, refusals

_MOSTLY_CONSECUTIVE = 0.5
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Part:
    """Some usable trades as one file has them; `count` and `ids` as in `TradeTable`.

    `aggregated` says that they are a venue's own aggregates, `consecutive` that its ids are known
    to be consecutive. `lines` are those of `source` that its rows stand in, None where they are in
    none.
    """

    time_us: Integers
    price: Numbers
    quantity: Numbers
    taker: NDArray[np.int8]
    count: Integers
    ids: Integers | None
    aggregated: bool = False
    consecutive: bool = False
    source: str = ""
    lines: Integers | None = None

    def named(self, row: int) -> str:
        """Say where a row stands."""
        if self.lines is None:
            return self.source
        return f"{self.source}: line {self.lines[row]}"


@dataclass(frozen=True, slots=True)
class TradeTable:
    """The trades of one market, by time and, within one time, by id (else as they were written).

    Prices and quantities are whole units of the last of their decimals. `taker` is 1 where a taker
    bought, -1 where one sold, 0 where the file does not say. A row is `count` fills, the last of
    them with its id, the others with the ids just before. `ids` is None where there are none;
    then every line is a trade of its own. Ids are `consecutive` where a gap in them means a trade
    that is missing. `unusable` counts lines that say no trade, by reason, `ignored` those that were
    not asked for, `duplicates` the lines whose id was there already. `lost_us` says from when to
    when, both inclusive, each unusable line may have been traded, `passed_ids` which ids are known
    to be no trades of the market. `epochs` is the number of each row's numbering where ids begin
    again, None where they do not. `refused` names the first of the unusable lines that say a trade
    which cannot be believed, and why.
    """

    time_us: Integers
    price: Integers
    quantity: Integers
    taker: NDArray[np.int8]
    count: Integers
    ids: Integers | None
    price_decimals: int
    quantity_decimals: int
    consecutive: bool = False
    symbol: str | None = None
    duplicates: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    lost_us: Integers = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    passed_ids: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    epochs: Integers | None = None
    refused: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.time_us)

    def chosen(self, rows: Integers | Flags) -> TradeTable:
        """Return some of the rows, in the order given."""
        return replace(
            self,
            time_us=self.time_us[rows],
            price=self.price[rows],
            quantity=self.quantity[rows],
            taker=self.taker[rows],
            count=self.count[rows],
            ids=None if self.ids is None else self.ids[rows],
            epochs=None if self.epochs is None else self.epochs[rows],
        )

    @property
    def numberings(self) -> int:
        """How many numberings of ids there are."""
        return 1 if self.epochs is None else int(np.max(self.epochs, initial=0)) + 1


def assemble(
    parts: Sequence[Part], *, symbol: str | None, unusable: Counter[str], ignored: Counter[str]
) -> TradeTable:
    """Make one table of the parts: common units, one row per id of a numbering, in order.

    What cannot be believed is refused, and counted as unusable.

    Raises InputError where some of the parts have ids and others have none.
    """
    if len({part.ids is None for part in parts}) > 1:
        raise InputError(
            "some of the files have trade ids and others have none, so trades that are in both "
            "cannot be told: read them apart"
        )
    prices, quantities = (
        _joined([part.price for part in parts]), _joined([part.quantity for part in parts])
    )  # fmt: skip
    time_us = np.concatenate([part.time_us for part in parts])
    taker = np.concatenate([part.taker for part in parts])
    count = np.concatenate([part.count for part in parts])
    ids = np.concatenate([part.ids for part in parts if part.ids is not None] or [time_us[:0]])
    with_ids = len(ids) > 0
    price_floats, quantity_floats = prices.floats(), quantities.floats()
    epochs = numberings(time_us, ids, price_floats * quantity_floats) if with_ids else None
    kept, refused = refusals(
        Rows(time_us, price_floats, quantity_floats, taker, count,
             ids if with_ids else None, epochs),
        [len(part.time_us) for part in parts],
    )  # fmt: skip
    for one in refused:
        unusable[one.reason] += len(one.rows)
    duplicates = len(kept) - int(np.count_nonzero(kept)) - sum(len(one.rows) for one in refused)
    lost_us = [one.lost_us for one in refused]
    price_decimals, price, price_fits = in_units(prices.chosen(kept))
    quantity_decimals, quantity, quantity_fits = in_units(quantities.chosen(kept))
    table = TradeTable(
        time_us=time_us[kept],
        price=price,
        quantity=quantity,
        taker=taker[kept],
        count=count[kept],
        ids=ids[kept] if with_ids else None,
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        symbol=symbol,
        duplicates=duplicates,
        unusable=unusable,
        ignored=ignored,
        epochs=None if epochs is None else epochs[kept],
        refused=tuple(_named(parts, refused)),
    )
    fits = price_fits & quantity_fits
    if not fits.all():
        unusable["more decimals than go into 64 bits"] += int(np.count_nonzero(~fits))
        lost_us.append(np.stack([table.time_us[~fits]] * 2, axis=1))
        table = table.chosen(fits)
    table = in_order(table)
    known = all(part.consecutive for part in parts)
    return replace(
        table,
        consecutive=with_ids and (known or _follow_on(table)),
        lost_us=np.concatenate([table.lost_us, *lost_us]),
    )


def _named(parts: Sequence[Part], refused: Sequence[Refused]) -> Iterator[str]:
    """Name the first rows of each kind that is refused, by file, line and id."""
    ends = np.cumsum([len(part.time_us) for part in parts])
    for one in refused:
        for row in sorted(one.rows.tolist())[:_NAMED]:
            number = int(np.searchsorted(ends, row, side="right"))
            part, place = parts[number], row - int(ends[number]) + len(parts[number].time_us)
            trade = "" if part.ids is None else f"trade {part.ids[place]}: "
            yield f"{part.named(place)}: {trade}{one.reason}"


def in_order(table: TradeTable) -> TradeTable:
    """Return the rows by time, then id; without ids, those of one time stay as they are written."""
    time_us, ids = table.time_us, table.ids
    steps = np.diff(time_us)
    if not np.any(steps < 0) and (ids is None or bool(np.all((steps > 0) | (np.diff(ids) > 0)))):
        return table
    if ids is not None:
        epochs = [] if table.epochs is None else [table.epochs]
        return table.chosen(np.lexsort((ids, *epochs, time_us)))
    rows = np.arange(len(time_us))
    if np.sum(np.sign(steps)) < 0:  # written newest first: of two at one time the second is older
        rows = rows[::-1]
    return table.chosen(rows[np.argsort(time_us[rows], kind="stable")])


def _joined(columns: Sequence[Numbers]) -> Numbers:
    return Numbers(
        np.concatenate([column.mantissa for column in columns]),
        np.concatenate([column.decimals for column in columns]),
        np.concatenate([column.ok for column in columns]),
    )


def _follow_on(table: TradeTable) -> bool:
    """Say whether most ids follow on the one before, so that one that does not shows a gap."""
    if table.ids is None:
        return False
    order = by_id(table.ids, table.epochs)
    ids = table.ids[order]
    follows = ids[1:] - table.count[order][1:] == ids[:-1]
    return len(follows) > 0 and float(np.mean(follows)) >= _MOSTLY_CONSECUTIVE
