"""What a database has to bring for `SqlStore` to work on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import URL, Connection, Engine, Table
from sqlalchemy.exc import DBAPIError

from marketstream.errors import StateError

type Insert = Callable[[Connection, Sequence[dict[str, object]]], object]
"""Writes rows of one table in the connection's transaction; what has to stay stays."""


class Backend(NamedTuple):
    """All that differs between databases.

    `place` is how a database is named to people, `elsewhere` how they choose another. Transactions
    of connections with the execution option `writes` will write, with `migrates` also the schema.
    """

    open: Callable[[URL], Engine]
    insert: Callable[[Table], Insert]
    explain: Callable[[URL, DBAPIError], StateError]
    place: Callable[[URL], str]
    elsewhere: str
