from __future__ import annotations

import signal
import subprocess
import sys
import time
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


_BUSY = """
import os
import signal
import sys

from marketstream.child import Child


def work(connection):
    connection.send(os.getpid())
    while True:  # as one that imports, or trains, and asks nobody
        pass


if __name__ == "__main__":
    print(Child("worker", work).connection.recv(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_busy_child_of_a_parent_that_was_killed_ends_soon(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_BUSY)
    done = subprocess.run(
        [sys.executable, program], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    child = int(done.stdout)
    deadline_s = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline_s, "it goes on without its parent"
        time.sleep(0.1)


def _runs(process: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    return bool(state.strip()) and not state.startswith("Z")
