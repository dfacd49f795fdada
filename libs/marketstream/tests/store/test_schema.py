"""The migrations build the tables the program uses, up and down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, make_url

from marketstream.messages import (
    Candle,
    DeadLetter,
    Features,
    Gap,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
)
from marketstream.store.postgresql import open_postgresql
from marketstream.store.rows import NO_COLUMNS
from marketstream.store.schema import (
    HEAD,
    VERSION_TABLE,
    alembic_config,
    current_revision,
    upgrade,
)
from marketstream.store.sql import open_store
from marketstream.store.sqlite import open_sqlite
from marketstream.store.tables import METADATA


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    opens = open_sqlite if url.startswith("sqlite") else open_postgresql
    engine = opens(make_url(url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_migrations_build_what_the_metadata_says(connection: Connection) -> None:
    upgrade(connection, "here", "or elsewhere")
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    assert compare_metadata(context, METADATA) == []


def test_keys_of_the_migrated_tables_are_those_of_the_metadata(connection: Connection) -> None:
    # compare_metadata does not look at primary keys
    upgrade(connection, "here", "or elsewhere")
    for name, table in METADATA.tables.items():
        key = inspect(connection).get_pk_constraint(name)
        assert key["constrained_columns"] == [column.name for column in table.primary_key]


def test_schema_goes_down_to_nothing_and_up_again(connection: Connection) -> None:
    upgrade(connection, "here", "or elsewhere")
    command.downgrade(alembic_config(connection), "base")
    assert current_revision(connection) is None
    assert inspect(connection).get_table_names() == [VERSION_TABLE]
    upgrade(connection, "here", "or elsewhere")
    assert set(inspect(connection).get_table_names()) == {VERSION_TABLE, *METADATA.tables}


def test_upgrading_twice_changes_nothing(connection: Connection) -> None:
    upgrade(connection, "here", "or elsewhere")
    before = current_revision(connection)
    upgrade(connection, "here", "or elsewhere")
    assert current_revision(connection) == before


@pytest.mark.parametrize(
    ("table", "kind", "without"),
    [
        ("candles", Candle, []),
        ("outcomes", Outcome, []),
        ("features", Features, []),
        ("models", Model, []),
        ("gaps", Gap, []),
        ("move_forecasts", MoveForecast, []),
        ("move_outcomes", MoveOutcome, []),
        ("predictions", Prediction, []),
        ("dead_letters", DeadLetter, ["digest"]),
    ],
)
def test_columns_stand_in_the_order_of_the_fields(
    table: str, kind: type[msgspec.Struct], without: list[str]
) -> None:
    left_out = NO_COLUMNS.get(kind, ())
    fields = [field.name for field in msgspec.structs.fields(kind) if field.name not in left_out]
    assert [column.name for column in METADATA.tables[table].c] == fields + without


def test_the_newest_migration_is_the_one_that_a_start_looks_for(connection: Connection) -> None:
    scripts = ScriptDirectory.from_config(alembic_config(connection))
    assert scripts.get_current_head() == HEAD


def test_a_start_that_has_nothing_to_migrate_does_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/realtime.sqlite"
    open_store(url).close()
    script = (
        "import sys\n"
        "from marketstream.store.sql import open_store\n"
        "open_store(sys.argv[1]).close()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, url], check=True)
