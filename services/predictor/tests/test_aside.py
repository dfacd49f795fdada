"""The registry is asked in a process of its own, which cannot always be started."""

import resource

import pytest

from marketstream.errors import StateError
from predictor.registry.aside import model_aside


def test_where_no_process_can_be_started_that_is_said() -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))
    try:
        with pytest.raises(StateError, match="no process can be started"):
            model_aside("sqlite://", "a-model", "1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
