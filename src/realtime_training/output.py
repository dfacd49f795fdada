"""Tables that go out: text to stdout or a file, perhaps packed; columns as Parquet or Feather."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from marketstream.errors import SettingsError, StateError

ARROW = (".parquet", ".feather")
_TEXT = ("", ".csv", ".txt", ".gz")  # without an ending are pipes and devices


def check_ending(output: Path | None) -> None:
    """Raise SettingsError for a file whose ending promises another form than can be written."""
    if output is not None and output.suffix.lower() not in (*_TEXT, *ARROW):
        raise SettingsError(
            f"{output}: {output.suffix} is no form that is written: name it .csv, .csv.gz, "
            ".parquet or .feather"
        )


@contextmanager
def opened(output: Path | None) -> Iterator[IO[str]]:
    """Open a file for ASCII text, stdout where none is named; one that ends in .gz is packed.

    Raises SettingsError for an ending of another form.
    """
    check_ending(output)
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
    elif output.suffix == ".gz":
        # No name and no time inside: the same rows make the same file.
        with (
            output.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            TextIOWrapper(packed, encoding="ascii", newline="") as file,
        ):
            yield file
    else:
        with output.open("w", encoding="ascii", newline="") as file:
            yield file


def write_arrow(columns: Mapping[str, Any], output: Path) -> None:
    """Write columns by name as Parquet or Feather, by the ending; StateError without pyarrow."""
    try:
        pa: Any = import_module("pyarrow")
        ipc: Any = import_module("pyarrow.ipc")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise StateError(
            f"{output}: {output.suffix} is written with pyarrow, which is not installed: "
            "install it, or write .csv"
        ) from error
    table = pa.table(dict(columns))
    if output.suffix == ".parquet":
        parquet.write_table(table, output)
        return
    with ipc.new_file(str(output), table.schema) as file:
        file.write_table(table)
