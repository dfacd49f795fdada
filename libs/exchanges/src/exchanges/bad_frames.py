"""What to say of a frame that is not of the shape it should have."""

from __future__ import annotations

import re

import msgspec

from marketstream.errors import BadMessage

_PATH = re.compile(r" - at `\$(\S*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def bad_frame(error: Exception, frame: bytes) -> BadMessage:
    """Return what to raise: how the frame begins, what is wrong with it, and the value if found."""
    begin, problem = frame[:60].decode(errors="replace"), f"{error}"[:200]
    path = _PATH.search(problem)
    value = "" if path is None else _value_at(path[1], frame)
    return BadMessage(f"{begin}…: {problem}{value}")


def _value_at(path: str, frame: bytes) -> str:
    try:
        value: object = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""  # whatever comes after the place makes no sense either
    for name, index in _STEP.findall(path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return ""  # the frame names a field twice, and the other one is wrong
    return f", it is {value!r:.60}"
