from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import multiprocessing
import os
import signal

from marketstream.child import Child


def work(connection):
    lock = multiprocessing.RLock()  # such as progress bars make: it has to be tidied up
    os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C is for the parent alone
    connection.send("at work")
    signal.pause()


if __name__ == "__main__":
    child = Child("worker", work)
    print(child.connection.recv())
    child.stop()
"""


def test_a_child_that_is_stopped_at_its_work_leaves_without_a_word(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "at work\n", "")
