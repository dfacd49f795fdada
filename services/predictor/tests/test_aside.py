"""The registry is asked in a process of its own, which cannot always be started, and may end."""

import multiprocessing
import resource
from pathlib import Path
from threading import Event, Thread

import pytest

from marketstream.errors import StateError
from predictor.registry.aside import model_aside


def test_where_no_process_can_be_started_that_is_said() -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
    try:
        with pytest.raises(StateError, match="no process can be started"):
            model_aside(Event(), "sqlite://", "a-model", "1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))


def test_what_nobody_waits_for_any_more_ends_at_once(tmp_path: Path) -> None:
    given_up = Event()
    said: list[str] = []

    def ask() -> None:
        with pytest.raises(StateError) as refused:
            model_aside(given_up, f"sqlite:///{tmp_path}/mlflow.sqlite", "a-model", "1")
        said.append(str(refused.value))

    asking = Thread(target=ask)
    asking.start()
    while not any(each.name == "registry" for each in multiprocessing.active_children()):
        assert asking.is_alive()
    given_up.set()
    asking.join(5)
    assert not asking.is_alive()
    ask()
    assert said == ["nobody waits any more for what the registry says"] * 2
    assert not multiprocessing.active_children()
