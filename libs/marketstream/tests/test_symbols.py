from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from marketstream.symbols import (
    listed_symbol,
    market_of,
    parse_market,
    parse_symbol,
    split_market,
    url_symbol,
)


@pytest.mark.parametrize("text", ["BTC/USDT", "btc/usdt", "BTC-USDT", " btc-usdt\n"])
def test_symbol_is_unified_from_every_way_to_write_it(text: str) -> None:
    assert parse_symbol(text) == "BTC/USDT"


def test_symbol_may_hold_digits() -> None:
    assert parse_symbol("1000shib/usdt") == "1000SHIB/USDT"


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("币安人生/USDT", "币安人生/USDT"),
        ("这是测试币456-usdt", "这是测试币456/USDT"),
        ("ёж/usdt", "ЁЖ/USDT"),
        ("btc/usdt:usdt", "BTC/USDT:USDT"),
        ("BTC-USDT-USDT", "BTC/USDT:USDT"),
        ("BTC/USD:BTC", "BTC/USD:BTC"),
    ],
)
def test_symbols_of_any_alphabet_and_perpetuals_read_back_from_a_url(
    text: str, symbol: str
) -> None:
    assert parse_symbol(text) == symbol
    assert parse_symbol(url_symbol(symbol)) == symbol
    assert not {"/", ":"} & set(url_symbol(symbol))
    assert split_market(market_of("binance-usdm", symbol)) == ("binance-usdm", symbol)


@pytest.mark.parametrize(
    "text", ["BTC-USDT-SWAP", "BTCUSDT_250328", "BTC-USD-250328", "币安人生USDT"]
)
def test_what_only_a_file_lists_is_taken_as_it_is_listed(text: str) -> None:
    assert listed_symbol(f" {text} ") == text
    with pytest.raises(SettingsError, match="a perpetual like BTC/USDT:USDT"):
        parse_symbol(text)
    assert listed_symbol("btc-usdt") == "BTC/USDT"
    with pytest.raises(SettingsError):
        listed_symbol(" ")


@pytest.mark.parametrize(
    "text",
    [
        "", "BTC", "BTCUSDT", "BTC/", "/USDT", "BTC/USDT/EUR", "BTC USDT", "BTC/USDT:", "_/USDT",
        "BTC/USDT:USDT:USDT",
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    ("text", "market"),
    [
        ("binance:BTC/USDT", "binance:BTC/USDT"),
        (" Binance:btc-usdt ", "binance:BTC/USDT"),
        ("binance-usdm:BTC/USDT:USDT", "binance-usdm:BTC/USDT:USDT"),
        ("binance-usdm:btc-usdt-usdt", "binance-usdm:BTC/USDT:USDT"),
    ],
)
def test_a_market_is_written_as_exchange_and_symbol(text: str, market: str) -> None:
    assert parse_market(text) == market


@pytest.mark.parametrize("text", ["", "BTC/USDT", ":BTC/USDT", "binance:", "binance:BTC"])
def test_what_is_no_market_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(SettingsError, match="BTC/USDT"):
        parse_market(text)
