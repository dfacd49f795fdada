"""Ctrl-C at any moment is an end without a traceback, while a command is still importing too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_COMMAND = [sys.executable, "-X", "importtime", "-m", "realtime_training"]


def interrupted_at(said: str, folder: Path, *arguments: str) -> tuple[int, str]:
    """Press Ctrl-C, for all processes as a terminal does, once a line of stderr holds `said`.

    The interpreter says on stderr what it has imported. Returns the exit code and all of stderr.
    """
    lines: list[str] = []
    with subprocess.Popen(
        [*_COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=folder, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if said in line:
                break
        else:
            raise AssertionError("".join(lines))
        os.killpg(process.pid, signal.SIGINT)
        lines.extend(process.stderr)
        return process.wait(60), "".join(lines)


@pytest.mark.parametrize(
    "imported",
    [
        "marketstream.errors",
        "loguru",
        "rich.console",
        "realtime_training.commands",
        "uvicorn",  # from here on by the command itself
        "marketstream.messages",
        "candles.settings",
    ],
)
def test_ctrl_c_while_a_module_is_imported_ends_the_command_without_a_word(
    imported: str, tmp_path: Path
) -> None:
    code, stderr = interrupted_at(f" {imported}\n", tmp_path, "run", "--port", "0")
    assert code == 130
    assert "Traceback" not in stderr


def test_ctrl_c_while_the_child_process_starts_ends_both_without_a_word(tmp_path: Path) -> None:
    said = " multiprocessing.popen_spawn_posix\n"
    code, stderr = interrupted_at(said, tmp_path, "run", "--port", "0")
    assert code in {0, 130}
    assert "Traceback" not in stderr
