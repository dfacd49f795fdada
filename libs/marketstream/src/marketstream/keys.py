"""Keys of the API: what is kept of one, and how one is made and recognised."""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal

import msgspec

type KeyRole = Literal["read", "admin"]

_PREFIX = "rt_"  # so that whoever looks for leaked secrets knows one
_BYTES = 32


class ApiKey(msgspec.Struct, frozen=True):
    """Who holds a key and what it opens; of the secret the store has the SHA-256 digest alone.

    A secret is random and 256 bits long, so a digest without salt or stretching gives nothing away.
    """

    name: str
    role: KeyRole
    digest: str
    made_at_ms: int


def new_secret() -> str:
    """Return a secret that nobody has."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def digest_of(secret: str) -> str:
    """Return the SHA-256 digest of a secret, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
