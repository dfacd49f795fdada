"""Settings of alerts: what makes no sense is said, and what is secret is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketstream.errors import SettingsError
from marketstream.settings import load_settings
from storekeeper.settings import StorekeeperSettings

URL = "https://hooks.example.com/t0ken"


def loaded(**environment: str) -> StorekeeperSettings:
    return load_settings(StorekeeperSettings, None, environment, None)


def test_the_environment_names_addresses_and_secrets() -> None:
    alerts = loaded(
        ALERTS_WEBHOOKS=f"{URL}, http://localhost:9/a", ALERTS_SECRET="s3cret",
        ALERTS_TELEGRAM_TOKEN="12:abc", ALERTS_TELEGRAM_CHATS="1,@us", ALERTS_KINDS="gap,stall",
    ).alerts  # fmt: skip
    assert [url.get_secret_value() for url in alerts.webhooks] == [URL, "http://localhost:9/a"]
    assert (alerts.telegram_chats, alerts.kinds) == (("1", "@us"), ("gap", "stall"))
    shown = f"{alerts!r} {alerts.model_dump()} {alerts.model_dump_json()}"
    assert not [secret for secret in ("t0ken", "s3cret", "12:abc") if secret in shown]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ALERTS_WEBHOOKS": f"{URL},hooks.example.com/t0ken"}, "webhook 2 is no URL"),
        ({"ALERTS_WEBHOOKS": "ftp://hooks.example.com/t0ken"}, "webhook 1 is no URL"),
        ({"ALERTS_WEBHOOKS": "http://hooks..example.com/t0ken"}, "webhook 1 is no URL"),
        ({"ALERTS_TELEGRAM_URL": "api.telegram.org/bott0ken"}, "telegram_url is no URL"),
        ({"ALERTS_TELEGRAM_TOKEN": "t0ken"}, "telegram_token and telegram_chats belong together"),
        ({"ALERTS_TELEGRAM_CHATS": "1"}, "telegram_token and telegram_chats belong together"),
        ({"ALERTS_KINDS": "gap,doom"}, "'confident', 'skill', 'drift', 'stall' or 'gap'"),
    ],
)
def test_what_makes_no_sense_is_said_without_the_secret(
    environment: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        loaded(**environment)
    assert words in str(raised.value)
    assert "t0ken" not in str(raised.value)


def test_a_wrong_file_shows_no_address_either(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"alerts:\n  webhooks: [{URL}, [t0ken]]\n  secret: [t0ken]\n")
    with pytest.raises(SettingsError) as raised:
        load_settings(StorekeeperSettings, file, {}, None)
    assert "alerts.webhooks" in str(raised.value)
    assert "t0ken" not in str(raised.value)
