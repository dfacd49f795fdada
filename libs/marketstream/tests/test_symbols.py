from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from marketstream.symbols import market_of, parse_symbol, split_market, url_symbol


@pytest.mark.parametrize("text", ["BTC/USDT", "btc/usdt", "BTC-USDT", " btc-usdt\n"])
def test_symbol_is_unified_from_every_way_to_write_it(text: str) -> None:
    assert parse_symbol(text) == "BTC/USDT"


def test_symbol_may_hold_digits() -> None:
    assert parse_symbol("1000shib/usdt") == "1000SHIB/USDT"


@pytest.mark.parametrize(
    "text", ["", "BTC", "BTCUSDT", "BTC/", "/USDT", "BTC/USDT/EUR", "BTC USDT"]
)
def test_text_that_is_no_symbol_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a symbol: write it like BTC/USDT") as caught:
        parse_symbol(text)
    assert repr(text) in str(caught.value)


def test_symbol_in_a_url_reads_back() -> None:
    assert url_symbol("BTC/USDT") == "BTC-USDT"
    assert parse_symbol(url_symbol("BTC/USDT")) == "BTC/USDT"


def test_market_splits_into_what_it_was_made_of() -> None:
    assert market_of("binance", "BTC/USDT") == "binance:BTC/USDT"
    assert split_market("binance:BTC/USDT") == ("binance", "BTC/USDT")
