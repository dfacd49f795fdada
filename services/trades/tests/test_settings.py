from __future__ import annotations

import pytest
from pydantic import ValidationError

from trades.settings import TradesSettings


def test_symbols_may_be_written_in_any_usual_way_and_are_kept_once() -> None:
    settings = TradesSettings(symbols=["btc-usdt", "BTC/USDT", "eth/usdt"])
    assert settings.symbols == ["BTC/USDT", "ETH/USDT"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("exchange", "mtgox"),
        ("symbols", []),
        ("symbols", ["BTCUSDT"]),
        ("grace_ms", -1),
        ("silence_s", 0),
        ("grace", 100),
        ("ws_url", "http://127.0.0.1"),
        ("rest_url", "nonsense"),
    ],
)
def test_setting_that_makes_no_sense_is_named(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        TradesSettings.model_validate({key: value})
