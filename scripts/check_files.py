"""Name what does not belong in a repository, a line for each: `check_files.py FILE…`.

Exits 1 where there is something: a merge conflict, blanks at the end of a line, no newline at the
end of a file, a private key, somebody's home folder, a file that is too large.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LARGEST_BYTES = 1_000_000
UNWANTED = {
    "a merge conflict": re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE),
    "blanks at the end of the line": re.compile(rb"[ \t\r]+$", re.MULTILINE),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a path of one machine": re.compile(rb"(?<![\w.])/(?:home|root|Users)/[\w.-]+"),
}


def problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with a file, with the line where that says where."""
    content = path.read_bytes()
    if len(content) > LARGEST_BYTES:
        yield f"{path}: {len(content):,} bytes are more than {LARGEST_BYTES:,}"
    if b"\0" in content:
        return  # an image, say
    for what, pattern in UNWANTED.items():
        for found in pattern.finditer(content):
            line = content.count(b"\n", 0, found.start()) + 1
            yield f"{path}:{line}: {what}"
    if content and not content.endswith(b"\n"):
        yield f"{path}: no newline at the end"


def main() -> int:
    """Check the files named on the command line; return the exit code."""
    found = [problem for name in sys.argv[1:] for problem in problems(Path(name))]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
