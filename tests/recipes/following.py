"""Follows a page of docs/recipes to the letter, in a scratch copy of this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(
    r"^```(?P<kind>\w+)(?P<more>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_PATH = re.compile(r"\bfile=(?P<path>\S+)")


def scratch_copy(folder: Path) -> Path:
    """Copy what git tracks or would, with the environment of this checkout linked in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    copy = folder / "checkout"
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def follow(page: str, copy: Path, *, timeout_s: float = 240) -> str:
    """Do what a page says, block by block; return what its commands printed.

    A block with `file=PATH` is written there, or added to what is there where it also says
    `append`; a block of `sh` is run from the root of the copy, which has to succeed.
    """
    printed = ""
    for block in _BLOCK.finditer((copy / "docs" / "recipes" / page).read_text()):
        path = _PATH.search(block["more"])
        if path is not None:
            target = copy / path["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("a" if "append" in block["more"] else "w") as file:
                file.write(block["text"])
        elif block["kind"] == "sh":
            printed += _run(block["text"], copy, timeout_s)
    return printed


def _run(commands: str, copy: Path, timeout_s: float) -> str:
    folders = ("libs/*/src", "services/*/src", "tools/*/src")
    sources = [copy / "src", *(path for each in folders for path in sorted(copy.glob(each)))]
    environment = {
        **os.environ,
        "PATH": f"{copy / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=copy, env=environment, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s,
    )  # fmt: skip
    assert done.returncode == 0, f"{commands}\n{done.stdout}"
    return done.stdout
