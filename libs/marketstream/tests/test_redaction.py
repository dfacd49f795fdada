from __future__ import annotations

import pytest

from marketstream.redaction import hide_passwords, one_line_of


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("token=s3cret, please", "ValueError: token=***, please"),
        ('{"api_key": "s3cret", "a": 1}', 'ValueError: {"api_key": "***", "a": 1}'),
        ("HF_TOKEN: s3cret", "ValueError: HF_TOKEN: ***"),
        ("Authorization: Bearer s3cret", "ValueError: Authorization: Bearer ***"),
        ("got Bearer s3cret", "ValueError: got Bearer ***"),
        ("https://a/b?x=s3cret&y=s3cret", "ValueError: https://a/b?x=***&y=***"),
        ("redis://me:s3cret@a/b", "ValueError: redis://me:***@a/b"),
        ("two\nlines\tand  blanks", "ValueError: two lines and blanks"),
        ("", "ValueError"),
        ("no weights for tokens in a.bin", "ValueError: no weights for tokens in a.bin"),
        ("x" * 5_000, f"ValueError: {'x' * 200}..."),
    ],
)
def test_an_error_of_somebody_else_is_a_line_without_secrets(text: str, told: str) -> None:
    assert one_line_of(ValueError(text)) == told
