"""Whatever takes `venue` runs for every venue of the catalogue."""

from __future__ import annotations

import pytest

from exchanges.catalogue import venues


@pytest.fixture(params=venues())
def venue(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
