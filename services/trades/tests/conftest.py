from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketstream.testing import closed_port


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port of loopback on which nobody listens."""
    with closed_port() as port:
        yield port
