from __future__ import annotations

import pytest
from trades.sources import Source, sources_of

from exchanges.catalogue import venue_named
from marketstream.errors import SettingsError
from trades.settings import TradesSettings

BINANCE = venue_named("binance")


def test_a_venue_is_where_it_says_unless_the_settings_name_another_place() -> None:
    markets = ["binance:BTC/USDT", "binance:ETH/USDT", "binance:BTC/USDT"]
    symbols = ("BTC/USDT", "ETH/USDT")
    assert sources_of(markets, TradesSettings()) == [
        Source("binance", BINANCE, BINANCE.ws_url, BINANCE.rest_url, symbols)
    ]
    elsewhere = TradesSettings(ws_url="ws://here/ws", rest_url="http://here")
    assert sources_of(markets, elsewhere) == [
        Source("binance", BINANCE, "ws://here/ws", "http://here", symbols)
    ]


def test_whoever_only_speaks_as_a_venue_keeps_its_name_and_is_followed_by_itself() -> None:
    settings = TradesSettings(ws_url="ws://here/ws", rest_url="http://here")
    sources = sources_of(["simulator:BTC/USDT", "recording:BTC/USDT"], settings)
    assert [source.markets for source in sources] == [
        ("simulator:BTC/USDT",),
        ("recording:BTC/USDT",),
    ]
    assert [source.stream().name for source in sources] == ["simulator", "recording"]
    assert {source.venue for source in sources} == {BINANCE}


def test_whoever_is_no_venue_has_to_have_an_address() -> None:
    with pytest.raises(SettingsError, match="'simulator' is not an exchange we know"):
        sources_of(["simulator:BTC/USDT"], TradesSettings())
