"""One broker for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketstream.testing import running_kafka


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker."""
    folder: Path = tmp_path_factory.mktemp("kafka")
    with running_kafka(folder) as address:
        yield address
