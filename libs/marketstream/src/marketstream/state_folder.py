"""The state folder of a process, held for as long as it runs: a second one is refused."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketstream.errors import StateError

_LOCK = ".lock"


@contextmanager
def state_folder(path: Path) -> Iterator[Path]:
    """Make the folder where it is missing, hold it, and give its absolute path.

    Raises StateError, with the pid of who holds it, where another process does; nothing of it has
    been touched then. The operating system lets go of it however the process ends.
    """
    folder = path.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StateError(
            f"{path} cannot be used as state folder ({error.strerror}): choose another with --state"
        ) from error
    try:
        _hold(lock, folder)
        yield folder
    finally:
        os.close(lock)


def _hold(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        raise StateError(
            f"{folder} is in use by process {holder or 'unknown'}: stop it, or choose another "
            "folder with --state"
        ) from error
    except OSError as error:
        raise StateError(
            f"{folder} cannot be locked ({error.strerror}): choose a folder on a local disk "
            "with --state"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
