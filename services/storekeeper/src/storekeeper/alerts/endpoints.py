"""What is sent to each address: a signed JSON object, or a message in Telegram's form."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from marketstream.moments import iso
from storekeeper.alerts.alert import Alert
from storekeeper.alerts.settings import AlertSettings

_HEADER = "X-Realtime"


class Post(NamedTuple):
    """A request, whole; its URL may be a secret."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Endpoint(Protocol):
    """Somewhere alerts go. `name` holds no secret, and is the same after a restart."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def post(self, alert: Alert, now_s: int) -> Post:
        """Return the request that tells an alert at a time, in seconds since 1970."""
        ...


class Webhook:
    """An address that is sent the alert as JSON, signed where there is a secret.

    `X-Realtime-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal, of `X-Realtime-Timestamp`,
    a full stop, and the body: who checks both knows that nobody else said it, nor said it again.
    """

    def __init__(self, url: str, secret: str | None) -> None:
        self._url = url
        self._secret = secret
        self.name = f"webhook {urlsplit(url).hostname} {_short(url)}"

    def post(self, alert: Alert, now_s: int) -> Post:
        """Return the request."""
        body = msgspec.json.encode(
            {
                "id": alert.id,
                "kind": alert.kind,
                "market": alert.market,
                "at": iso(alert.at_ms),
                "text": alert.text,
                "details": alert.details,
            }
        )
        headers = {
            "Content-Type": "application/json",
            f"{_HEADER}-Id": alert.id,
            f"{_HEADER}-Timestamp": str(now_s),
        }
        if self._secret is not None:
            headers[f"{_HEADER}-Signature"] = signature(self._secret, now_s, body)
        return Post(self._url, body, headers)


class Telegram:
    """A chat of a bot, by `sendMessage` of Telegram's Bot API or of who speaks as it does."""

    def __init__(self, url: str, token: str, chat: str) -> None:
        self._url = f"{url.rstrip('/')}/bot{token}/sendMessage"
        self._chat = chat
        self.name = f"telegram {_short(self._url + chat)}"

    def post(self, alert: Alert, now_s: int) -> Post:
        """Return the request."""
        del now_s
        body = msgspec.json.encode({"chat_id": self._chat, "text": alert.text})
        return Post(self._url, body, {"Content-Type": "application/json"})


def signature(secret: str, now_s: int, body: bytes) -> str:
    """Return what `X-Realtime-Signature` says of a body."""
    signed = b"%d.%b" % (now_s, body)
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def endpoints_of(settings: AlertSettings) -> list[Endpoint]:
    """Return all that the settings name, each once."""
    secret = None if settings.secret is None else settings.secret.get_secret_value()
    found: list[Endpoint] = [
        Webhook(url.get_secret_value(), secret) for url in dict.fromkeys(settings.webhooks)
    ]
    if settings.telegram_token is not None:
        token = settings.telegram_token.get_secret_value()
        chats = dict.fromkeys(settings.telegram_chats)
        found += [Telegram(settings.telegram_url, token, chat) for chat in chats]
    return found


def _short(secret: str) -> str:
    """Return what tells addresses apart and tells nobody what they are."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]
