"""The files inside a file: what is packed is unpacked, what is no data is passed over by name."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from marketstream.errors import InputError

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, UnicodeDecodeError)
"""What is raised where a file cannot be unpacked or read."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
HEAD_BYTES = 1 << 16
_FOREIGN = re.compile(
    r"\..*|readme.*|licen[cs]e.*|thumbs\.db|desktop\.ini"
    r"|.*\.(?:checksum|md5|sha1|sha256|sha512|md|pdf|html?|png|jpe?g)",
    re.IGNORECASE,
)


class Source(NamedTuple):
    """One file of data; `name` is for messages, `stem` what its own name may tell a market by.

    `alone` says that it is no member of an archive that holds others too.
    """

    name: str
    stem: str
    stream: IO[bytes]
    alone: bool = True


def sources(path: Path, file: IO[bytes], passed_over: Counter[str]) -> Iterator[Source]:
    """Yield the files of data inside an open file, and count by name what else there is."""
    head = peek(file)
    if head.startswith(_ZIP):
        with _archive(file) as archive:
            members = []
            for member in archive.infolist():
                if member.is_dir():
                    continue
                if _is_foreign(member.filename):
                    passed_over[f"{member.filename} in {path.name}, which holds no data"] += 1
                else:
                    members.append(member)
            for member in members:
                with _member(archive, member) as stream:
                    name = f"{path} ({member.filename})"
                    stem = PurePosixPath(member.filename).name
                    yield Source(name, stem, _in_utf_8(stream), len(members) == 1)
    elif head.startswith(_GZIP):
        with gzip.open(file) as unpacked:
            yield Source(str(path), path.name, _in_utf_8(cast("IO[bytes]", unpacked)))
    else:
        yield Source(str(path), path.name, _in_utf_8(file))


def _archive(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (NotImplementedError, ValueError) as error:  # of a version to come, say
        raise zipfile.BadZipFile(str(error)) from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(member)
    except (RuntimeError, ValueError) as error:  # it is encrypted, or packed in another way
        raise zipfile.BadZipFile(str(error)) from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file; raises InputError, naming it, where it cannot be opened, unpacked or read."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UNREADABLE as error:
        raise InputError(
            f"{path}: cannot be read ({error}): if it was cut off, unpack what is whole of it"
        ) from error


def is_packed(file: IO[bytes]) -> bool:
    """Say whether an open file is an archive whose members `sources` yields."""
    return peek(file).startswith((_ZIP, _GZIP))


def peek(stream: IO[bytes]) -> bytes:
    """Return the first bytes of a stream without taking them from it."""
    head: bytes = stream.peek(HEAD_BYTES)  # type: ignore[attr-defined] # all of ours have it
    return head


def _is_foreign(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(map(_FOREIGN.fullmatch, parts[-1:]))


def _in_utf_8(stream: IO[bytes]) -> IO[bytes]:
    if not peek(stream).startswith(_UTF_16):
        return stream
    text = stream.read().decode("utf-16").encode()
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", io.BytesIO(text))))
