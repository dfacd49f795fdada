"""What can go wrong, in words that say what to do."""

from __future__ import annotations


class ClientError(Exception):
    """Anything that this package raises."""


class NotReachableError(ClientError):
    """The API does not answer, or something else does."""


class ApiError(ClientError):
    """The API refused: `status` is that of HTTP, `title` and `detail` are its words."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title} ({status}): {detail}")
        self.status = status
        self.title = title
        self.detail = detail
