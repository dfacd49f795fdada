"""What the storekeeper's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marketstream.settings import Env


class StorekeeperSettings(BaseModel):
    """How often candles are compared with the exchange's, 0 for never, and whom to ask.

    `ws_url` and `rest_url` are where `exchange` is, None for its own addresses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exchange: Annotated[str, Env("EXCHANGE")] = "binance"
    ws_url: Annotated[str | None, Env("EXCHANGE_WS_URL")] = None
    rest_url: Annotated[str | None, Env("EXCHANGE_REST_URL")] = None
    audit_every_s: Annotated[float, Field(ge=0)] = 15.0
