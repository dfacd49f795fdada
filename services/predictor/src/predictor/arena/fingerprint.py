"""What tells one model from another: what it is made of, and never where that is."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from predictor.arena.guest import ArenaModel

_LENGTH = 12
_NOT_ITS = sys.stdlib_module_names | {ArenaModel.__module__}


def digest(parts: Iterable[bytes]) -> str:
    """Return a hash of parts, whose borders count."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:_LENGTH]


def fingerprint(factory: object, model: ArenaModel, columns: Sequence[str]) -> str:
    """Return what a Python model is known by beside the version that is configured.

    It is of the code of the modules that its factory, its class and its bases are from, without
    comments and layout, of the columns it reads, and of what it says as `version` of itself: its
    weights, and what else it imports, cannot be seen from here. Where files are is none of it.
    """
    kind = type(model)
    made_by = str(getattr(factory, "__module__", ""))
    modules = dict.fromkeys([made_by, *(each.__module__ for each in kind.__mro__)])
    code = [_code(name) for name in modules if name not in _NOT_ITS]
    said = getattr(model, "version", None)
    return digest(
        [*code, kind.__qualname__.encode(), str(said).encode(), *map(str.encode, columns)]
    )


def _code(name: str) -> bytes:
    """Return the code of a module; of one without a source the file, and nothing of none."""
    module = sys.modules.get(name)
    if module is None:
        return b""
    try:
        return ast.unparse(ast.parse(inspect.getsource(module))).encode()
    except (OSError, TypeError, SyntaxError):
        pass
    try:
        return Path(str(getattr(module, "__file__", ""))).read_bytes()
    except (OSError, ValueError):
        return b""
