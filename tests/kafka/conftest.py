"""A broker of its own for each test, one database server for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from marketstream.store.testing import PostgresServer, postgres_server
from marketstream.testing import running_kafka

from .system import MakeSystem, System


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    with running_kafka(tmp_path / "kafka") as address:
        yield address


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def make_system(tmp_path: Path, broker: str, server: PostgresServer) -> Iterator[MakeSystem]:
    made: list[System] = []

    def make(symbols: Sequence[str], rate: float, configs: Mapping[str, object]) -> System:
        made.append(System(tmp_path, broker, server, symbols, rate, configs))
        return made[-1]

    yield make
    for system in made:
        system.close()
