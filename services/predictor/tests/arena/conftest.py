"""What is logged, for tests that nothing secret is and nothing is said twice."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from marketstream.metrics import Metrics
from predictor.arena.abstentions import Abstentions


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def abstentions(registry: CollectorRegistry) -> Abstentions:
    return Abstentions(Metrics(registry))
