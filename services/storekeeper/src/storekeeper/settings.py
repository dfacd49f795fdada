"""What the storekeeper's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marketstream.settings import Env


class StorekeeperSettings(BaseModel):
    """How often candles are compared with the exchange's, 0 for never, and where that is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rest_url: Annotated[str, Env("EXCHANGE_REST_URL")] = "https://api.binance.com"
    audit_every_s: Annotated[float, Field(ge=0)] = 15.0
