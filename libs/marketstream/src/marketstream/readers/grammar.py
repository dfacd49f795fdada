"""What a kind of rows, trades or candles, is told by, and what is learned while files are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

from marketstream.readers.losses import Losses
from marketstream.readers.numbers import Integers
from marketstream.readers.separators import Separators
from marketstream.readers.times import DateOrder
from marketstream.symbols import plain_symbol

type Raw = dict[str, list[bytes]]


class Form(NamedTuple):
    """Which column plays which role; `consecutive` says that the ids are known to be so."""

    roles: Mapping[str, int]
    consecutive: bool = False


class Block(NamedTuple):
    """Some rows as columns by role; those at the places `broken` are damaged, and counted.

    `lines` are the numbers of their lines in the file, from 1; None where they are in none.
    """

    raw: Raw
    form: Form
    broken: Sequence[int] = ()
    lines: Integers | None = None


class Grammar(NamedTuple):
    """How a kind of rows is told.

    `telling` is a role that is a number in every row, `lacks` says in a message what names of
    columns do not say, `wanted` names the columns to be given. `header` returns the form of names
    that are enough, `without_header` that of a row that is known without them; both raise
    InputError, naming the source, where it holds something else.
    """

    telling: str
    wanted: str
    header: Callable[[Sequence[str], str], Form | None]
    without_header: Callable[[Sequence[bytes], str], Form | None]
    lacks: Callable[[Sequence[str], str], str]


@dataclass
class Reading:
    """What is learned while files are read: what was left out, and whose rows there are."""

    wanted: str | None = None
    unusable: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    symbols: dict[str, str] = field(default_factory=dict)  # plain: as it was written first
    forms: dict[int, Form] = field(default_factory=dict)  # of headers, by the number of columns
    losses: Losses = field(default_factory=Losses)
    has_symbols: bool = False  # in the file being read
    passed_ids: list[int] = field(default_factory=list)  # of prints that are no trades
    has_ids: bool | None = None  # in the file being read
    separators: Separators = field(default_factory=Separators)
    dates: DateOrder = field(default_factory=DateOrder)

    def begin_file(self) -> None:
        """Forget what only goes for the file before."""
        self.losses = Losses()
        self.has_ids, self.has_symbols = None, False
        self.separators, self.dates = Separators(), DateOrder()

    def begin_anew(self, wanted: str) -> None:
        """Forget all that was read, and look for another symbol."""
        self.wanted = wanted
        for learned in (self.unusable, self.ignored, self.symbols, self.forms):
            learned.clear()
        self.passed_ids.clear()

    def of_wanted_symbol(self, block: Block) -> Block:
        """Return the rows of the wanted symbol, and the damaged ones, which may be of it."""
        raw = block.raw
        if "symbol" not in raw:
            return block
        self.has_symbols = True
        broken = set(block.broken)
        plain: dict[bytes, str] = {}
        whole = (cell for row, cell in enumerate(raw["symbol"]) if row not in broken)
        for symbol in set(whole):
            written = symbol.decode("utf-8", "replace").strip()
            plain[symbol] = plain_symbol(written)
            if plain[symbol]:
                self.symbols.setdefault(plain[symbol], written)
        if self.wanted is None or set(plain.values()) == {plain_symbol(self.wanted)}:
            return block
        wanted = plain_symbol(self.wanted)
        keep = [
            row in broken or plain[symbol] == wanted for row, symbol in enumerate(raw["symbol"])
        ]
        self.ignored["another symbol"] += len(keep) - sum(keep)
        kept = [row for row, is_kept in enumerate(keep) if is_kept]
        return Block(
            {role: list(compress(column, keep)) for role, column in raw.items()},
            block.form,
            [at for at, row in enumerate(kept) if row in broken],
            None if block.lines is None else block.lines[kept],
        )


def plain_name(name: str) -> str:
    """Return the letters of a column's name in lower case; one letter stays as it is."""
    said = re.sub(r"/[^\x00-\x7f].*", "", name)  # OKX says a name in two languages
    return said if len(said) == 1 else re.sub(r"[^a-z0-9]", "", said.lower())
