"""Whatever takes `venue` runs for every venue that is simulated."""

from __future__ import annotations

import pytest

from .ledger import SYMBOLS


@pytest.fixture(params=SYMBOLS)
def venue(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
