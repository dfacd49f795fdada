from __future__ import annotations

import pytest

from exchanges.catalogue import venue_named
from exchanges.sources import Source, sources_of
from marketstream.errors import SettingsError

BINANCE = venue_named("binance")
HERE = {"ws_url": "ws://here/ws", "rest_url": "http://here"}


def test_a_venue_is_where_it_says_unless_the_settings_name_another_place() -> None:
    markets = ["binance:BTC/USDT", "binance:ETH/USDT", "binance:BTC/USDT"]
    symbols = ("BTC/USDT", "ETH/USDT")
    assert sources_of(markets, "binance", ws_url=None, rest_url=None) == [
        Source("binance", BINANCE, BINANCE.ws_url, BINANCE.rest_url, symbols)
    ]
    assert sources_of(markets, "binance", **HERE) == [
        Source("binance", BINANCE, "ws://here/ws", "http://here", symbols)
    ]


def test_whoever_only_speaks_as_a_venue_keeps_its_name_and_is_followed_by_itself() -> None:
    sources = sources_of(["simulator:BTC/USDT", "recording:BTC/USDT"], "binance", **HERE)
    assert [source.markets for source in sources] == [
        ("simulator:BTC/USDT",),
        ("recording:BTC/USDT",),
    ]
    assert [source.stream().name for source in sources] == ["simulator", "recording"]
    assert {source.venue for source in sources} == {BINANCE}


def test_whoever_is_no_venue_has_to_have_an_address() -> None:
    with pytest.raises(SettingsError, match="'simulator' is not an exchange we know"):
        sources_of(["simulator:BTC/USDT"], "binance", ws_url=None, rest_url=None)
    (source,) = sources_of(["simulator:BTC/USDT"], "binance", ws_url=None, rest_url="http://here")
    with pytest.raises(SettingsError, match="EXCHANGE_WS_URL"):
        source.stream().stream_url(source.ws_url)
    with pytest.raises(SettingsError, match="'mtgox' is not an exchange we know"):
        sources_of(["simulator:BTC/USDT"], "mtgox", **HERE)
