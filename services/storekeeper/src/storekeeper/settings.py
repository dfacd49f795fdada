"""What the storekeeper's `config.yaml` holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exchanges.settings import ExchangeSettings


class StorekeeperSettings(ExchangeSettings):
    """How often candles are compared with the exchange's, 0 for never, and whom to ask.

    With 0 nothing is mended either. `mend_grace_s` is how long after a gap has closed its candles
    are left to whoever made them.
    """

    audit_every_s: Annotated[float, Field(ge=0)] = 15.0
    mend_grace_s: Annotated[float, Field(ge=0)] = 5.0
