from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketstream.errors import StateError
from marketstream.state_folder import state_folder

HOLD = """
import sys
from pathlib import Path
from marketstream.state_folder import state_folder
with state_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_that_is_missing_is_made_and_given_as_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with state_folder(Path("deep/state")) as folder:
        assert folder == tmp_path / "deep" / "state"
        assert folder.is_dir()


def test_a_folder_that_another_process_holds_is_refused_with_its_pid(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StateError, match=rf"in use by process {other.pid}: .*--state"):
            state_folder(tmp_path).__enter__()
        other.kill()
        other.wait()
        with state_folder(tmp_path):  # nothing is left of a process that was killed
            assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_is_free_again_after_an_error_in_whoever_held_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), state_folder(tmp_path):
        raise KeyError("work")
    with state_folder(tmp_path) as folder:
        assert folder == tmp_path


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(StateError, match=r"file cannot be used as state folder .*--state"):
        state_folder(path).__enter__()
