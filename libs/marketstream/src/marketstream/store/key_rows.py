"""Reads and writes the keys of the API, which are no messages: one that is revoked is deleted."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, exists, insert, select

from marketstream.keys import ApiKey
from marketstream.store.tables import API_KEYS


def read_keys(connection: Connection) -> list[ApiKey]:
    """Return all keys, by name."""
    found = [ApiKey(*row) for row in connection.execute(select(API_KEYS))]
    return sorted(found, key=lambda key: key.name)  # a server may sort by the rules of a language


def add_key(connection: Connection, key: ApiKey) -> bool:
    """Add a key; False where there is one of that name."""
    if connection.execute(select(exists().where(API_KEYS.c.name == key.name))).scalar_one():
        return False
    connection.execute(insert(API_KEYS), msgspec.structs.asdict(key))
    return True


def revoke_key(connection: Connection, name: str) -> bool:
    """Delete a key; False where there is none of that name."""
    return connection.execute(delete(API_KEYS).where(API_KEYS.c.name == name)).rowcount > 0
