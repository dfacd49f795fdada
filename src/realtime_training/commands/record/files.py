"""Frames as files: compressed, a new one every so often, whole after a kill, each with its sum."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from loguru import logger

from marketstream.errors import StateError
from marketstream.recordings import Header, header_line

_SUMS = "SHA256SUMS"  # as `sha256sum -c` reads them
_PART = ".part"
_LEVEL = 6
_BLOCK_BYTES = 1 << 16

type Received = tuple[int, bytes]
"""When a frame was received, in ns, and the frame."""


class FrameFiles:
    """The files of one connection in a folder, each of `every_ns` of receive times.

    What is written is on the disk after each `write`, to be read even if the process is killed: a
    file has `.part` at its end of its name until it is finished. Raises StateError where the folder
    cannot be written to.
    """

    def __init__(self, folder: Path, stem: str, header: Header, every_ns: int) -> None:
        self._folder = folder
        self._stem = stem
        self.header = header
        self._every_ns = every_ns
        self._file: _File | None = None
        self._period = -1
        self.bytes = self.finished = 0

    def write(self, frames: Sequence[Received]) -> None:
        """Write frames in the order they came in."""
        for period, some in groupby(frames, key=lambda one: one[0] // self._every_ns):
            if self._file is None or period > self._period:
                self.finish()
                self._period = period
                name = f"{self._stem}-{_time(period * self._every_ns)}"
                self._file = _File(free_path(self._folder, name), self.header)
            self.bytes += self._file.write(_lines(some))

    def finish(self) -> None:
        """Finish the file that is open, if one is."""
        if self._file is not None:
            self._file.finish()
            self._file = None
            self.finished += 1


class _File:
    def __init__(self, path: Path, header: Header | None) -> None:
        self._path = path
        self._pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # as gzip
        self._sum = hashlib.sha256()
        try:
            self._file = path.with_name(path.name + _PART).open("xb")
        except OSError as error:
            raise _cannot_write(path, error) from error
        if header is not None:
            self.write([header_line(header)])

    def write(self, lines: Iterable[bytes]) -> int:
        """Write lines so that they can be read back from now on; return how many bytes it took."""
        text = b"".join(lines)
        return self._put(self._pack.compress(text) + self._pack.flush(zlib.Z_SYNC_FLUSH))

    def finish(self) -> None:
        """Give the file its name, and note its sum."""
        self._put(self._pack.flush())
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            Path(self._file.name).rename(self._path)
            with (self._path.parent / _SUMS).open("a") as sums:
                sums.write(f"{self._sum.hexdigest()}  {self._path.name}\n")
        except OSError as error:
            raise _cannot_write(self._path, error) from error

    def _put(self, packed: bytes) -> int:
        try:
            self._file.write(packed)
            self._file.flush()
        except OSError as error:
            raise _cannot_write(self._path, error) from error
        self._sum.update(packed)
        return len(packed)


def finish_parts(folder: Path) -> None:
    """Finish what a run that was killed has left: all whole lines of it, as a file of its own."""
    for cut in folder.glob("*.cut"):  # a start that was killed while it did this
        for begun in folder.glob(f"{cut.stem}*{_PART}"):
            begun.unlink()
        cut.rename(cut.with_suffix(_PART))
    for part in sorted(folder.glob(f"*{_PART}")):
        cut = part.rename(part.with_suffix(".cut"))
        path = free_path(folder, part.name.removesuffix(f".frames.gz{_PART}"))
        file = _File(path, None)
        lines = 0
        for some in _whole_lines(cut):
            file.write([some])
            lines += some.count(b"\n")
        file.finish()
        cut.unlink()
        logger.warning("A file that was cut off is finished", file=path.name, lines=lines)


def free_path(folder: Path, name: str) -> Path:
    """Return the path of a file that is not there yet, nor half: a number tells it from others."""
    number = 1
    while True:
        path = folder / f"{name}{'' if number == 1 else f'-{number}'}.frames.gz"
        if not path.exists() and not path.with_name(path.name + _PART).exists():
            return path
        number += 1


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield what can be unpacked of a file, up to the end of its last line."""
    rest = b""
    for some in _unpacked(path):
        text = rest + some
        end = text.rfind(b"\n") + 1
        yield text[:end]
        rest = text[end:]


def _unpacked(path: Path) -> Iterator[bytes]:
    """Yield what can be unpacked of a file, up to the byte that makes no sense."""
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    with path.open("rb") as file:
        while packed := file.read(_BLOCK_BYTES):
            before = unpack.copy()
            try:
                yield unpack.decompress(packed)
            except zlib.error:
                yield from _byte_by_byte(before, packed)
                return


def _byte_by_byte(unpack: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Yield what is sound of a block that as a whole is not."""
    with contextlib.suppress(zlib.error):
        for position in range(len(packed)):
            yield unpack.decompress(packed[position : position + 1])


def _lines(frames: Iterable[Received]) -> Iterator[bytes]:
    for received_ns, frame in frames:
        if b"\n" in frame or b"\r" in frame:  # between tokens only: JSON has none inside of text
            frame = frame.replace(b"\r", b" ").replace(b"\n", b" ")
        yield b"%d %b\n" % (received_ns, frame)


def _time(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y%m%dT%H%M%SZ}"


def _cannot_write(path: Path, error: OSError) -> StateError:
    return StateError(f"{path}: cannot be written ({error.strerror}): choose another --to")
