"""What the prediction-api's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marketstream.settings import Env


class ApiSettings(BaseModel):
    """Where to listen, and after how much silence data counts as stale."""

    model_config = ConfigDict(extra="forbid")

    host: Annotated[str, Env("API_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535), Env("API_PORT")] = 8000
    stale_after_ms: int = Field(default=5_000, gt=0)
