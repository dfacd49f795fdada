"""What the prediction-api's `config.yaml` holds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ApiSettings(BaseModel):
    """Where to listen, and after how much silence data counts as stale."""

    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    stale_after_ms: int = Field(default=5_000, gt=0)
