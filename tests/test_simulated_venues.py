"""`realtime simulate` with other venues than the usual one, and several at once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketstream.errors import SettingsError
from realtime_training.commands.simulate.command import simulate
from realtime_training.commands.simulate.markets import chosen_markets, lagging
from realtime_training.commands.simulate.work import MarketChoice, ceilings

USUAL = MarketChoice(())


def test_two_venues_listen_each_on_a_port_of_its_own(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "realtime_training", "simulate", "--port", "0", "--json",
        "--market", "kraken:BTC/USD", "--market", "okx-swap:BTC/USDT:USDT",
        "--lead", "okx-swap:200ms", "--quote-lag", "80",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        try:
            kraken, okx = json.loads(process.stdout.readline())["exchanges"]
            assert (kraken["venue"], okx["venue"]) == ("kraken", "okx-swap")
            assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/v2", kraken["ws_url"])
            assert kraken["rest_url"] != okx["rest_url"]
            for asked in (
                f"{kraken['rest_url']}/0/public/Time", f"{okx['rest_url']}/api/v5/public/time",
            ):  # fmt: skip
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    assert json.loads(answer.read())
        finally:
            process.send_signal(2)
        assert process.wait(10) == 130


def test_each_venue_has_usual_symbols_of_its_kind() -> None:
    symbols = {
        venue: chosen_markets([], venue, [], USUAL)[0].symbols
        for venue in (None, "kraken", "binance-usdm")
    }
    assert symbols == {
        None: ("BTC/USDT", "ETH/USDT"),
        "kraken": ("BTC/USDT", "ETH/USDT"),
        "binance-usdm": ("BTC/USDT:USDT", "ETH/USDT:USDT"),
    }


def test_all_but_the_leader_lag() -> None:
    markets = ["binance:BTC/USDT", "kraken:BTC/USD", "coinbase:BTC/USD", "kraken:ETH/USD"]
    choices = lagging(chosen_markets(markets, None, [], USUAL), "binance:200ms")
    assert [(one.venue, one.symbols, one.lag_ms) for one in choices] == [
        ("binance", ("BTC/USDT",), 0),
        ("kraken", ("BTC/USD", "ETH/USD"), 200),
        ("coinbase", ("BTC/USD",), 200),
    ]


def test_the_ceiling_says_what_the_leader_is_worth() -> None:
    markets = ["binance:BTC/USDT", "kraken:BTC/USD"]
    choices = lagging(chosen_markets(markets, None, [], USUAL), "binance:400ms")
    rows = ceilings(choices, hours=1)
    assert "accuracy_with_leader" not in rows["binance:BTC/USDT"][0]
    first = rows["kraken:BTC/USD"][0]
    alone, seeing = (first[name] for name in ("accuracy", "accuracy_with_leader"))
    assert isinstance(alone, float)
    assert isinstance(seeing, float)
    assert seeing > alone + 0.05


def test_a_ceiling_is_of_quotes_that_are_on_time() -> None:
    late = MarketChoice((), quote_lag_ms=80)
    with pytest.raises(SettingsError, match="leave out --quote-lag"):
        ceilings(chosen_markets([], None, [], late))


@pytest.mark.parametrize("lag_ms", ["-1", "60001", "1.5"])
def test_a_lag_of_quotes_beyond_reason_is_refused_by_name(lag_ms: str) -> None:
    result = CliRunner().invoke(simulate, ["--quote-lag", lag_ms])
    assert result.exit_code == 2
    assert "--quote-lag" in result.output


@pytest.mark.parametrize(
    ("markets", "venue", "symbols", "lead", "part"),
    [
        (["kraken:BTC/USD"], "kraken", [], None, "leave out --venue"),
        ([], "mtgox", [], None, "no simulated exchange speaks 'mtgox'"),
        (["mtgox:BTC/USD"], None, [], None, "no simulated exchange speaks 'mtgox'"),
        ([], "okx-swap", ["BTC/USDT"], None, "write it like BTC/USDT:USDT"),
        ([], "kraken", [], "binance:200ms", "binance leads nobody here"),
        ([], "binance", [], "binance:200ms", "binance leads nobody here"),
        (["binance:BTC/USDT", "kraken:BTC/USD"], None, [], "binance", "write a venue and a lag"),
    ],
)
def test_choices_that_make_no_sense_are_refused(
    markets: list[str], venue: str | None, symbols: list[str], lead: str | None, part: str
) -> None:
    with pytest.raises(SettingsError, match=part):
        lagging(chosen_markets(markets, venue, symbols, USUAL), lead)
