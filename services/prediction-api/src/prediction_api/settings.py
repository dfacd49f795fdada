"""What the prediction-api's `config.yaml` holds."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marketstream.settings import Env
from prediction_api.views.live import MOST_FOLLOWERS
from prediction_api.views.moves import TARGETS

_PER_MINUTE = 1_200
_MOST_ASKING = 512
_FEEDS = 2 + len(TARGETS)  # the dashboard's, of directions, and of each target beside them


class ApiSettings(BaseModel):
    """Where to listen and to whom, and after how much silence data counts as stale.

    Without `allowed_hosts` any name is answered to, but on a loopback address only its own names.
    Unless it is said, a loopback address is open to read and has no limit; elsewhere a key is
    needed, and each caller may ask 1,200 times a minute. A limit of 0 is none.
    """

    model_config = ConfigDict(extra="forbid")

    host: Annotated[str, Env("API_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535), Env("API_PORT")] = 8000
    stale_after_ms: int = Field(default=5_000, gt=0)
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    open_read: Annotated[bool | None, Env("API_OPEN_READ")] = None
    most_streams: int = Field(default=MOST_FOLLOWERS, gt=0)
    requests_per_minute: Annotated[int | None, Field(ge=0), Env("API_REQUESTS_PER_MINUTE")] = None

    @property
    def most_connections(self) -> int:
        """How many connections are kept at once: streams of every kind, and what else is asked."""
        return _FEEDS * self.most_streams + _MOST_ASKING

    def for_address(self, host: str, names: Sequence[str] = ()) -> ApiSettings:
        """Return them with what depends on the address that is listened on, and its names."""
        is_home = ip_address(host).is_loopback
        limit = self.requests_per_minute
        return self.model_copy(
            update={
                "allowed_hosts": self.allowed_hosts or tuple(names),
                "open_read": is_home if self.open_read is None else self.open_read,
                "requests_per_minute": (0 if is_home else _PER_MINUTE) if limit is None else limit,
            }
        )
