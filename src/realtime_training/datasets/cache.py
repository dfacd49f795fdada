"""Datasets kept as npz files, named by all that they were made of."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from inspect import getfile
from pathlib import Path

import msgspec
import numpy as np
from loguru import logger

from marketstream.columns import FeatureTable, PriceSeries
from marketstream.errors import InputError, StateError
from predictor.training.prices import Label

_MOST_BYTES = 2_000_000_000
_OURS = (
    "realtime_training.datasets", "realtime_training.beside", "realtime_training.recorded_feed",
    "predictor.training.history",
    "predictor.training.prices", "technical_indicators", "candles", "trades", "exchanges",
    "marketstream",
)  # fmt: skip
_THEIRS = ("ta-lib", "numpy", "pyarrow")
_TABLE = ("close_time_ms", "values", "bid", "ask", "close", "complete")
_PRICES = ("close_time_ms", "mid", "close", "first_buy", "first_sell")


class Made(msgspec.Struct, frozen=True):
    """What a dataset is beside its columns."""

    symbol: str | None
    timeframe: str
    base_ms: int
    label: Label
    feature_set: str
    names: tuple[str, ...]
    remarks: tuple[str, ...]


type Entry = tuple[Made, FeatureTable, PriceSeries]


def identity_of(files: Sequence[Path]) -> str:
    """Return a digest of what the files hold; InputError where one cannot be read."""
    whole = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as raw:
                whole.update(hashlib.file_digest(raw, "sha256").digest())
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    return whole.hexdigest()


def sources() -> list[Path]:
    """Return the files of all code that makes a dataset."""
    found: list[Path] = []
    for name in _OURS:
        place = Path(getfile(import_module(name)))
        found += sorted(place.parent.rglob("*.py")) if place.name == "__init__.py" else [place]
    return found


def _programs() -> list[str]:
    """Return what tells apart the programs that make a dataset: for ours, the code itself."""
    ours = hashlib.sha256()
    for source in sources():
        ours.update(source.read_bytes())
    return [ours.hexdigest(), *(f"{name} {version(name)}" for name in _THEIRS)]


class DatasetCache:
    """Datasets in a folder, about 2 GB at most; the one read longest ago goes first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, identity: str, *parts: object) -> Path:
        """Return where a dataset is kept: by its data, what was asked and the programs used."""
        asked = repr((identity, parts, _programs())).encode()
        return self._folder / f"{hashlib.sha256(asked).hexdigest()[:32]}.npz"

    def read(self, path: Path) -> Entry | None:
        """Return a dataset; None where there is none, or it is damaged."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                columns = {name: arrays[name] for name in arrays.files}
            made = msgspec.json.decode(columns["made"].tobytes(), type=Made)
            entry = made, _table(made, columns), _prices(made, columns)
            path.touch()
        except FileNotFoundError:
            return None
        except (
            OSError, ValueError, KeyError, EOFError,
            zipfile.BadZipFile, zlib.error, msgspec.MsgspecError,
        ) as error:  # fmt: skip
            logger.warning("Dataset is damaged and made anew", path=str(path), reason=str(error))
            return None
        return entry

    def write(self, path: Path, entry: Entry) -> None:
        """Keep a dataset; StateError where it cannot be written."""
        made, table, prices = entry
        columns = {"made": np.frombuffer(msgspec.json.encode(made), np.uint8)}
        columns |= {f"table.{name}": getattr(table, name) for name in _TABLE}
        columns |= {
            f"prices.{name}": column
            for name in _PRICES
            if (column := getattr(prices, name)) is not None
        }
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, **columns)
            unfinished.replace(path)
            self._forget_old()
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise StateError(
                f"{path}: cannot be written ({error.strerror}): see that the disk has room, or "
                "choose another folder with --state"
            ) from error

    def _forget_old(self) -> None:
        kept = [(path.stat(), path) for path in self._folder.glob("*.npz")]
        kept.sort(key=lambda each: each[0].st_mtime_ns, reverse=True)
        total = 0
        for number, (stat, path) in enumerate(kept):
            total += stat.st_size
            if number and total > _MOST_BYTES:
                path.unlink(missing_ok=True)
        for path in self._folder.iterdir():  # a process that was killed cannot tidy up
            if _writer_is_gone(path):
                path.unlink(missing_ok=True)


def _writer_is_gone(path: Path) -> bool:
    """Say whether this is what a process that has ended left unfinished."""
    pid = path.suffix.removeprefix(".")
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # somebody else's
    return False


def _table(made: Made, columns: dict[str, np.ndarray]) -> FeatureTable:
    read = {name: columns[f"table.{name}"] for name in _TABLE}
    return FeatureTable(names=made.names, **read)


def _prices(made: Made, columns: dict[str, np.ndarray]) -> PriceSeries:
    read = {name: columns.get(f"prices.{name}") for name in _PRICES}
    return PriceSeries(base_ms=made.base_ms, **read)  # type: ignore[arg-type]
