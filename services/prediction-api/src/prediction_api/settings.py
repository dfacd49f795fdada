"""What the prediction-api's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marketstream.settings import Env


class ApiSettings(BaseModel):
    """Where to listen and to whom, and after how much silence data counts as stale.

    Without `allowed_hosts` any name is answered to, but on a loopback address only its own names.
    """

    model_config = ConfigDict(extra="forbid")

    host: Annotated[str, Env("API_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535), Env("API_PORT")] = 8000
    stale_after_ms: int = Field(default=5_000, gt=0)
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
