from __future__ import annotations

import pytest

from exchanges.catalogue import venue_named
from exchanges.sources import Place, Source, sources_of
from marketstream.errors import SettingsError

BINANCE = venue_named("binance")
USUAL = Place("binance")
HERE = Place("binance", "ws://here/ws", "http://here")


def test_a_venue_is_where_it_says_unless_the_settings_name_another_place() -> None:
    markets = ["binance:BTC/USDT", "binance:ETH/USDT", "binance:BTC/USDT"]
    symbols = ("BTC/USDT", "ETH/USDT")
    assert sources_of(markets, USUAL) == [
        Source("binance", BINANCE, BINANCE.ws_url, BINANCE.rest_url, symbols)
    ]
    assert sources_of(markets, HERE) == [
        Source("binance", BINANCE, "ws://here/ws", "http://here", symbols)
    ]


def test_whoever_only_speaks_as_a_venue_keeps_its_name_and_is_followed_by_itself() -> None:
    sources = sources_of(["simulator:BTC/USDT", "recording:BTC/USDT"], HERE)
    assert [source.markets for source in sources] == [
        ("simulator:BTC/USDT",),
        ("recording:BTC/USDT",),
    ]
    assert [source.stream().name for source in sources] == ["simulator", "recording"]
    assert {source.venue for source in sources} == {BINANCE}


def test_whoever_is_no_venue_has_to_have_an_address() -> None:
    with pytest.raises(SettingsError, match="'simulator' is not an exchange we know"):
        sources_of(["simulator:BTC/USDT"], USUAL)
    (source,) = sources_of(["simulator:BTC/USDT"], Place("binance", None, "http://here"))
    with pytest.raises(SettingsError, match="EXCHANGE_WS_URL"):
        source.stream().stream_url(source.ws_url)
    with pytest.raises(SettingsError, match="'mtgox' is not an exchange we know"):
        sources_of(["simulator:BTC/USDT"], Place("mtgox", *HERE[1:]))


def test_each_has_the_address_that_its_name_is_given() -> None:
    places = {"binance": Place("", None, "http://there"), "double": HERE}
    one, two = sources_of(["binance:BTC/USDT", "double:BTC/USDT"], USUAL, places)
    assert (one.ws_url, one.rest_url) == (BINANCE.ws_url, "http://there")
    assert (two.name, two.venue, two.ws_url) == ("double", BINANCE, "ws://here/ws")


def test_more_symbols_than_a_connection_carries_go_over_several() -> None:
    markets = [f"binance:C{number}/USDT" for number in range(BINANCE.most_symbols + 1)]
    sources = sources_of(markets, USUAL)
    assert [len(source.symbols) for source in sources] == [BINANCE.most_symbols, 1]
    assert [market for source in sources for market in source.markets] == markets
