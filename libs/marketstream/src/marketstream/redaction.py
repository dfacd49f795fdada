"""Keeps passwords out of what people read."""

from __future__ import annotations

import re

# Up to the last @ of the word: people write passwords with an @ or a slash into URLs as they are.
# What looks like a port and a path is none: `wss://host:9443/ws/btcusdt@trade`.
_PASSWORD = re.compile(r"""(://[^\s/:@"']*):(?!\d{1,5}/)[^\s"']*@""")


# What is told as a key, a token or a password by a name or a scheme, up to the end of the word.
_SECRET = re.compile(
    r"""(?i)(\b[\w-]*(?:token|secret|password|passwd|api[_-]?key|authorization)["']?\s*[=:]\s*"""
    r"""["']?(?:(?:bearer|basic)\s+)?|\b(?:bearer|basic)\s+|[?&][\w.-]+=)[^\s"'&,;)]+"""
)


def one_line_of(error: BaseException, longest: int = 200) -> str:
    """Return the kind and the text of somebody else's error on one line, without its secrets.

    A text that is longer is cut: an error may hold a whole page, or a file's content.
    """
    text = hide_passwords(" ".join(str(error)[: 10 * longest].split()))
    text = _SECRET.sub(r"\1***", text)
    name = type(error).__name__
    cut = text if len(text) <= longest else f"{text[:longest]}..."
    return f"{name}: {cut}" if cut else name


def hide_passwords(text: str) -> str:
    """Return `text` with the password of every `scheme://user:password@host` replaced."""
    return _PASSWORD.sub(r"\1:***@", text)
