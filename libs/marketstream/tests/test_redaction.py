from __future__ import annotations

import pytest

from marketstream.redaction import hide_passwords


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://admin:secret@db:5432/x", "postgresql://admin:***@db:5432/x"),
        ("to postgresql+psycopg://a:b@h/x now", "to postgresql+psycopg://a:***@h/x now"),
        ("redis://:secret@cache", "redis://:***@cache"),
        ("x://a:b@h y://c:d@h", "x://a:***@h y://c:***@h"),
        ("postgresql://admin:p@ss/w@rd@db/x", "postgresql://admin:***@db/x"),
        ("'https://me:12345@host/path'", "'https://me:***@host/path'"),
    ],
)
def test_password_in_a_url_is_hidden(text: str, hidden: str) -> None:
    assert hide_passwords(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "wss://stream.binance.com:9443/ws/btcusdt@trade",
        "wss://stream.binance.com:9443/stream?streams=btcusdt@trade/ethusdt@bookTicker",
        "http://localhost:5000",
        "mailbox me:you@example.org",
        "binance:BTC/USDT at 12:00 @ 50000",
    ],
)
def test_text_without_a_password_stays_as_it_is(text: str) -> None:
    assert hide_passwords(text) == text
