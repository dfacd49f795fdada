"""Seals what was predicted and what came of it, and says whether anything was changed since.

The predictions of ten minutes of closes have one digest (SHA-256), and each seal holds the hash of
the one before: who changes, adds or removes a prediction, or a seal, changes all hashes after it
(Haber and Stornetta 1991, How to time-stamp a digital document). Their outcomes have a chain of
their own, since they come later. Seals are small and kept for ever, so that a chain holds where old
rows are deleted. Who could write the whole chain anew can be found out by a hash that was noted
elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from marketstream.messages import Outcome, Prediction
from marketstream.messages.seal import OutcomeSeal, Seal
from marketstream.moments import iso
from marketstream.store.port import EVER_MS, Store

SEALED_MS = 600_000
_UNKEPT = "preview"  # false of all that is kept

type Sealed = Prediction | Outcome
type Link = Seal | OutcomeSeal


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain: what it covers, and how the store is asked for rows, seals, first and last."""

    of: Literal["predictions", "outcomes"]
    rows: Callable[[Store, str, str, int, int], Sequence[Sealed]]
    seals: Callable[[Store, str, str], Sequence[Link]]
    span: Callable[[Store, str, str], tuple[int, int] | None]
    make_seal: Callable[..., Link]


PREDICTIONS = Chain(
    "predictions",
    lambda store, *asked: store.predictions(*asked),
    lambda store, *asked: store.seals(*asked),
    lambda store, *asked: store.prediction_span(*asked),
    Seal,
)
OUTCOMES = Chain(
    "outcomes",
    lambda store, *asked: store.outcomes(*asked),
    lambda store, *asked: store.outcome_seals(*asked),
    lambda store, *asked: store.outcome_span(*asked),
    OutcomeSeal,
)
CHAINS = (PREDICTIONS, OUTCOMES)


class Digest:
    """The digest of rows, in order of their identities whatever the order of a database.

    A field that has its default is left out, so that one that is added later changes nothing.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, rows: Iterable[Sealed]) -> None:
        """Take those of the next closes."""
        for row in sorted(rows, key=lambda one: one.identity):
            self._hash.update(_written(row))
            self.rows += 1

    def seal(
        self, chain: Chain, market: str, timeframe: str, from_ms: int, previous: Link | None
    ) -> Link:
        """Return the seal of what was taken, of closes from a time on."""
        before = "" if previous is None else previous.hash
        seal = chain.make_seal(
            market, timeframe, from_ms, from_ms + SEALED_MS, self.rows, self.digest, before, hash=""
        )
        return msgspec.structs.replace(seal, hash=hash_of(seal))

    @property
    def digest(self) -> str:
        """The digest of all that was taken."""
        return self._hash.hexdigest()


def hash_of(seal: Link) -> str:
    """Return the hash of all that a seal says."""
    said = msgspec.json.encode(msgspec.structs.astuple(seal)[:-1])
    return hashlib.sha256(said).hexdigest()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a market's chain: all seals, and the rows of a range.

    So many `rows` `of` predictions or outcomes are as they were sealed. Of `deleted` none is stored
    any more, as none before them is; those that are not sealed yet are `unsealed`. `faults` say
    what is not as it was. `head` is the hash of the newest seal: noted elsewhere, it shows whether
    all was changed.
    """

    market: str
    timeframe: str
    of: Literal["predictions", "outcomes"]
    seals: int
    rows: int
    deleted: int
    unsealed: int
    head: str | None
    faults: list[str]


def verify(
    store: Store, market: str, timeframe: str, from_ms: int, to_ms: int, chain: Chain = PREDICTIONS
) -> Verified:
    """Hold what is stored against its seals: the chain as a whole, rows in a range."""
    of, series = chain.of, (market, timeframe)
    seals = chain.seals(store, *series)
    faults = _broken(seals)
    span = chain.span(store, *series)
    first_ms = EVER_MS if span is None else span[0]
    equal = deleted = 0
    seen_ms = first_ms
    for seal in seals:
        if seal.to_ms <= from_ms or seal.from_ms >= to_ms:
            seen_ms = seal.to_ms
            continue
        if seal.from_ms > seen_ms and chain.rows(store, *series, seen_ms, seal.from_ms):
            faults.append(f"{iso(seen_ms)}: {of} came after these closes were sealed")
        seen_ms = seal.to_ms
        found = Digest()
        found.add(chain.rows(store, *series, seal.from_ms, seal.to_ms))
        if found.digest == seal.digest:
            equal += found.rows
        elif seal.from_ms < first_ms:
            deleted += seal.rows - found.rows
        else:
            faults.append(
                f"{iso(seal.from_ms)}: {seal.rows:,} {of} were sealed, and {found.rows:,} are "
                "stored" + (", not as they were" if found.rows == seal.rows else "")
            )
    last_ms = seals[-1].to_ms if seals else 0
    return Verified(
        market=market,
        timeframe=timeframe,
        of=of,
        seals=len(seals),
        rows=equal,
        deleted=deleted,
        unsealed=len(chain.rows(store, *series, max(last_ms, from_ms), to_ms)),
        head=seals[-1].hash if seals else None,
        faults=faults,
    )


def _broken(seals: Sequence[Link]) -> list[str]:
    """Return where a seal is not what it was, or does not follow on the one before."""
    faults, previous = [], ""
    for seal in seals:
        if hash_of(seal) != seal.hash:
            faults.append(f"{iso(seal.from_ms)}: the seal was changed")
        elif seal.previous != previous:
            faults.append(f"{iso(seal.from_ms)}: the seal before was changed or removed")
        previous = seal.hash
    return faults


def _written(row: Sealed) -> bytes:
    """Return a row as bytes: its fields by name, but for those at their default."""
    fields = {
        name: value
        for name, default in _FIELDS[type(row)]
        if (value := getattr(row, name)) != default
    }
    return msgspec.json.encode(fields, order="deterministic")


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


_FIELDS: dict[type, list[tuple[str, Any]]] = {
    kind: [
        (field.name, _default(field))
        for field in msgspec.structs.fields(kind)
        if field.name != _UNKEPT
    ]
    for kind in (Prediction, Outcome)
}
