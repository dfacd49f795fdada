"""What the storekeeper's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from marketstream.settings import Env


class StorekeeperSettings(BaseModel):
    """How often candles are compared with the exchange's, 0 for never, and whom to ask.

    With 0 nothing is mended either. `mend_grace_s` is how long after a gap has closed its candles
    are left to whoever made them. `rest_url` is where `exchange` answers, None for its own address.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exchange: Annotated[str, Env("EXCHANGE")] = "binance"
    rest_url: Annotated[str | None, Env("EXCHANGE_REST_URL"), Field(pattern=r"^https?://\S+$")] = (
        None
    )
    audit_every_s: Annotated[float, Field(ge=0)] = 15.0
    mend_grace_s: Annotated[float, Field(ge=0)] = 5.0
