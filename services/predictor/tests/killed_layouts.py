"""Run as a script: kills processes while MLflow's tables are laid out, and has others go on.

`killed_layouts.py FOLDER SEED FILES HOW`: each file is left by two kills and then opened. With
HOW `registry` it is the registry that is killed, with `mlflow` MLflow by itself. For each file a
line says `whole` or `unusable`, and what was done about it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from predictor.registry.client import open_client, schema
from predictor.registry.mlflow import ModelRegistry

_LONGEST_S = 1.2  # about what all of it takes


def _forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    work()
    os._exit(0)


def _killed(work: Callable[[], object], after_s: float) -> None:
    pid = _forked(work)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _reopened(uri: str) -> None:
    layout = ModelRegistry(uri).layout
    ModelRegistry(uri).champion("simulator:BTC/USDT", "1s", 1_000, "f1")
    sys.stdout.write(f"whole {layout.said}\n")
    sys.stdout.flush()


def _open_by_mlflow(uri: str) -> None:
    open_client(uri).search_experiments()


_LAYING_OUT: dict[str, Callable[[str], object]] = {
    "registry": ModelRegistry,
    "mlflow": _open_by_mlflow,
}


def main(folder: Path, seed: int, files: int, how: str) -> None:
    """Kill and go on, as told."""
    schema()  # imports MLflow, so that each process begins with the tables
    chance = random.Random(seed)
    for number in range(files):
        (folder / str(number)).mkdir()
        uri = f"sqlite:///{folder / str(number) / 'mlflow.sqlite'}"
        work = partial(_LAYING_OUT[how], uri)
        for _ in range(2):
            _killed(work, chance.uniform(0, _LONGEST_S))
        _, status = os.waitpid(_forked(partial(_reopened, uri)), 0)
        if status:
            sys.stdout.write("unusable\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
