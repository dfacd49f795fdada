"""Keeps passwords out of what people read."""

from __future__ import annotations

import re

# Up to the last @ of the word: people write passwords with an @ or a slash into URLs as they are.
# What looks like a port and a path is none: `wss://host:9443/ws/btcusdt@trade`.
_PASSWORD = re.compile(r"""(://[^\s/:@"']*):(?!\d{1,5}/)[^\s"']*@""")


def hide_passwords(text: str) -> str:
    """Return `text` with the password of every `scheme://user:password@host` replaced."""
    return _PASSWORD.sub(r"\1:***@", text)
