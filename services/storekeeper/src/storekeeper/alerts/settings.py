"""Where alerts go, which, and how many."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from marketstream.settings import Env, split_commas
from storekeeper.alerts.alert import KINDS, Chosen


class AlertSettings(BaseModel):
    """Where alerts go, none without an address; addresses and secrets are shown nowhere.

    `telegram_url` is Telegram's own, or of a server that speaks as it does. Of what was told
    nothing is told again for `quiet_s`; an address is called `per_minute` times at most. What a
    feed lacks is told once it has lasted for `after_s`; a prediction counts as confident from a
    probability of `confidence` on, where skill is proven.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhooks: Annotated[
        tuple[SecretStr, ...], Env("ALERTS_WEBHOOKS"), BeforeValidator(split_commas)
    ] = ()
    secret: Annotated[SecretStr | None, Env("ALERTS_SECRET")] = None
    telegram_url: Annotated[str, Env("ALERTS_TELEGRAM_URL")] = "https://api.telegram.org"
    telegram_token: Annotated[SecretStr | None, Env("ALERTS_TELEGRAM_TOKEN")] = None
    telegram_chats: Annotated[
        tuple[str, ...], Env("ALERTS_TELEGRAM_CHATS"), BeforeValidator(split_commas)
    ] = ()
    kinds: Annotated[tuple[Chosen, ...], Env("ALERTS_KINDS"), BeforeValidator(split_commas)] = KINDS
    confidence: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    after_s: Annotated[float, Field(ge=0)] = 30.0
    quiet_s: Annotated[float, Field(ge=0)] = 900.0
    per_minute: Annotated[int, Field(ge=1)] = 10
    timeout_s: Annotated[float, Field(gt=0)] = 10.0

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for number, url in enumerate(self.webhooks, 1):
            if not _is_address(url.get_secret_value()):
                raise ValueError(f"webhook {number} is no URL that begins with http:// or https://")
        if not _is_address(self.telegram_url):
            raise ValueError("telegram_url is no URL that begins with http:// or https://")
        if (self.telegram_token is None) != (not self.telegram_chats):
            raise ValueError("telegram_token and telegram_chats belong together: say both")
        return self


def _is_address(url: str) -> bool:
    try:
        found = urlsplit(url)
        host = (found.hostname or "").encode("idna")
        return found.scheme in ("http", "https") and bool(host) and " " not in url
    except ValueError:  # also where a part of the host is empty, or too long
        return False
