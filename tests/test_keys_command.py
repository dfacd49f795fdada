"""`realtime keys`: made, listed and revoked, and only digests are kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from marketstream.keys import digest_of
from marketstream.store.sql import open_store


@pytest.fixture
def state(tmp_path: Path) -> Path:
    open_store(f"sqlite:///{tmp_path}/realtime.sqlite").close()
    return tmp_path


def ask(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "keys", *arguments, "--state", str(state)],
        capture_output=True, text=True, timeout=60, check=False, env={}, cwd=state,
    )  # fmt: skip


def test_a_key_is_made_listed_and_revoked(state: Path) -> None:
    made = ask(state, "make", "charts")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret not in (state / "realtime.sqlite").read_bytes().decode("latin-1")
    assert ask(state, "make", "me", "--admin").returncode == 0
    (charts, me) = json.loads(ask(state, "list", "--json").stdout)["keys"]
    assert (charts["name"], charts["role"], me["role"]) == ("charts", "read", "admin")
    assert charts["digest"] == digest_of(secret)[:8]
    assert "read   charts" in ask(state, "list").stdout
    assert ask(state, "revoke", "charts").returncode == 0
    assert [key["name"] for key in json.loads(ask(state, "list", "--json").stdout)["keys"]] == [
        "me"
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("make", "me"), 3, "there is a key me"),
        (("revoke", "you"), 3, "there is no key you: there is me"),
        (("make", "a b"), 2, "letters, digits"),
    ],
)
def test_what_makes_no_sense_is_refused(
    state: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ask(state, "make", "me")
    done = ask(state, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
