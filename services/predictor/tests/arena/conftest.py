"""What is logged, for tests that nothing secret is and nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from marketstream.metrics import Metrics
from predictor.arena.abstentions import Abstentions


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), format="{message} {extra}", level=0)
    yield lines
    logger.remove(sink)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def abstentions(registry: CollectorRegistry) -> Abstentions:
    return Abstentions(Metrics(registry))
