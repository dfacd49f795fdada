"""Seals what was predicted, and says whether anything was changed since.

The predictions of ten minutes of closes have one digest (SHA-256), and each seal holds the hash of
the one before: who changes, adds or removes a prediction, or a seal, changes all hashes after it
(Haber and Stornetta 1991, How to time-stamp a digital document). Seals are small and kept for ever,
so that the chain holds where old predictions are deleted. Who could write the whole chain anew can
be found out by a hash that was noted elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from marketstream.messages import Prediction
from marketstream.messages.seal import Seal
from marketstream.moments import iso
from marketstream.store.port import EVER_MS, Store

SEALED_MS = 600_000
_UNKEPT = "preview"  # false of all that is kept


class Digest:
    """The digest of predictions, in order of their identities whatever the order of a database.

    A field that has its default is left out, so that one that is added later changes nothing.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.predictions = 0

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Take those of the next closes."""
        for prediction in sorted(predictions, key=lambda one: one.identity):
            self._hash.update(_written(prediction))
            self.predictions += 1

    def seal(self, market: str, timeframe: str, from_ms: int, previous: Seal | None) -> Seal:
        """Return the seal of what was taken, of closes from a time on."""
        before = "" if previous is None else previous.hash
        seal = Seal(
            market, timeframe, from_ms, from_ms + SEALED_MS, self.predictions, self.digest, before,
            hash="",
        )  # fmt: skip
        return msgspec.structs.replace(seal, hash=hash_of(seal))

    @property
    def digest(self) -> str:
        """The digest of all that was taken."""
        return self._hash.hexdigest()


def hash_of(seal: Seal) -> str:
    """Return the hash of all that a seal says."""
    said = msgspec.json.encode(msgspec.structs.astuple(seal)[:-1])
    return hashlib.sha256(said).hexdigest()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a market's chain: all seals, and the predictions of a range.

    So many `predictions` are as they were sealed. Of `deleted` none is stored any more, as none
    before them is; those that are not sealed yet are `unsealed`. `faults` say what is not as it
    was. `head` is the hash of the newest seal: noted elsewhere, it shows whether all was changed.
    """

    market: str
    timeframe: str
    seals: int
    predictions: int
    deleted: int
    unsealed: int
    head: str | None
    faults: list[str]


def verify(store: Store, market: str, timeframe: str, from_ms: int, to_ms: int) -> Verified:
    """Hold what is stored against its seals: the chain as a whole, predictions in a range."""
    seals = store.seals(market, timeframe)
    faults = _broken(seals)
    span = store.prediction_span(market, timeframe)
    first_ms = EVER_MS if span is None else span[0]
    equal = deleted = 0
    seen_ms = first_ms
    for seal in seals:
        if seal.to_ms <= from_ms or seal.from_ms >= to_ms:
            seen_ms = seal.to_ms
            continue
        if seal.from_ms > seen_ms and store.predictions(market, timeframe, seen_ms, seal.from_ms):
            faults.append(f"{iso(seen_ms)}: predictions came after these closes were sealed")
        seen_ms = seal.to_ms
        found = Digest()
        found.add(store.predictions(market, timeframe, seal.from_ms, seal.to_ms))
        if found.digest == seal.digest:
            equal += found.predictions
        elif seal.from_ms < first_ms:
            deleted += seal.predictions - found.predictions
        else:
            faults.append(
                f"{iso(seal.from_ms)}: {seal.predictions:,} predictions were sealed, and "
                f"{found.predictions:,} are stored"
                + (", not as they were" if found.predictions == seal.predictions else "")
            )
    last_ms = seals[-1].to_ms if seals else 0
    return Verified(
        market=market,
        timeframe=timeframe,
        seals=len(seals),
        predictions=equal,
        deleted=deleted,
        unsealed=len(store.predictions(market, timeframe, max(last_ms, from_ms), to_ms)),
        head=seals[-1].hash if seals else None,
        faults=faults,
    )


def _broken(seals: Sequence[Seal]) -> list[str]:
    """Return where a seal is not what it was, or does not follow on the one before."""
    faults, previous = [], ""
    for seal in seals:
        if hash_of(seal) != seal.hash:
            faults.append(f"{iso(seal.from_ms)}: the seal was changed")
        elif seal.previous != previous:
            faults.append(f"{iso(seal.from_ms)}: the seal before was changed or removed")
        previous = seal.hash
    return faults


def _written(prediction: Prediction) -> bytes:
    """Return a prediction as bytes: its fields by name, but for those at their default."""
    fields = {
        name: value for name, default in _FIELDS if (value := getattr(prediction, name)) != default
    }
    return msgspec.json.encode(fields, order="deterministic")


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


_FIELDS = [
    (field.name, _default(field))
    for field in msgspec.structs.fields(Prediction)
    if field.name != _UNKEPT
]
