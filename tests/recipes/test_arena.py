"""Whoever follows the page on the arena has a foundation model's interface take part."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from .following import follow, scratch_copy


def test_the_page_on_the_arena_has_a_foundation_model_take_part(tmp_path: Path) -> None:
    copy = scratch_copy(tmp_path)
    printed = follow("../arena.md", copy)
    assert re.search(r"arena/foundation:1-[0-9a-f]{12}  python my_arena:Foundation\n", printed)
    assert "ahead    5 s, 10 s" in printed
    assert "reads    return_10s, return_5s, return_1s, return_250ms" in printed
    down, none, up = json.loads(
        printed.splitlines()[-1].split("rising: ")[1].translate({40: "[", 41: "]"})
    )
    assert up > down
    assert down + none + up == 1

    sources = [copy / "src", *copy.glob("libs/*/src"), *copy.glob("services/*/src")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))}
    (copy / "src" / "my_arena.py").write_text("class Foundation:\n    pass\n")
    refused = subprocess.run(
        [copy / ".venv/bin/python", "-m", "realtime_training", "models", "arena"],
        cwd=copy, env=environment, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "arena.foundation: my_arena:Foundation fails" in refused.stderr
    assert "Traceback" not in refused.stderr
