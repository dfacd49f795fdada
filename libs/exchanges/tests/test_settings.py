from __future__ import annotations

import pytest

from exchanges.catalogue import venue_named
from exchanges.settings import ExchangeSettings, HostSettings
from marketstream.errors import SettingsError
from marketstream.settings import load_settings


def loaded(**environment: str) -> ExchangeSettings:
    return load_settings(ExchangeSettings, None, environment, None)


def test_hosts_are_told_by_name_in_one_variable() -> None:
    said = "double:binance=ws://127.0.0.1:1/ws http://127.0.0.1:1, binance=https://twin"
    hosts = loaded(EXCHANGE_HOSTS=said).hosts
    assert hosts == {
        "double": HostSettings(
            venue="binance", ws_url="ws://127.0.0.1:1/ws", rest_url="http://127.0.0.1:1"
        ),
        "binance": HostSettings(rest_url="https://twin"),
    }
    (source,) = loaded(EXCHANGE_HOSTS=said).sources(["double:BTC/USDT"])
    assert (source.venue, source.rest_url) == (venue_named("binance"), "http://127.0.0.1:1")


@pytest.mark.parametrize(
    "said", ["double", "double=", "double:mtgox=http://here", "a=b c", "a=http://x http://y"]
)
def test_hosts_that_make_no_sense_are_refused_with_their_variable(said: str) -> None:
    with pytest.raises(SettingsError, match="EXCHANGE_HOSTS"):
        loaded(EXCHANGE_HOSTS=said)
