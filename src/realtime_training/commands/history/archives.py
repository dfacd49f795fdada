"""Files of an exchange's archive, held against the sums that stand beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from marketstream.errors import InputError

_SUM = ".CHECKSUM"  # beside each of Binance's files, as sha256sum writes it


def check_sums(files: Sequence[Path]) -> int:
    """Return how many of the files have a sum beside them; InputError where one differs."""
    checked = 0
    for path in files:
        beside = path.with_name(path.name + _SUM)
        if not beside.exists():
            continue
        wanted = beside.read_text().split()[:1]
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        if wanted != [found]:
            raise InputError(f"{path}: is not what {beside.name} says: get it once more")
        checked += 1
    return checked
