"""Several exchanges in one run: markets of one symbol that never meet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from marketstream.errors import SettingsError
from marketstream.store.sql import open_store
from marketstream.testing import running_command
from realtime_training.commands.run.options import followed
from realtime_training.settings import load_all

ONE, TWO, MADE_UP = "one:BTC/USDT", "two:BTC/USDT", "simulator:ETH/USDT"


@contextmanager
def simulator(folder: Path, seed: int) -> Iterator[str]:
    """Start a simulated exchange; yield its two URLs as EXCHANGE_HOSTS has them."""
    command = [sys.executable, "-m", "realtime_training", "simulate", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--symbol", "BTC/USDT", "--seed", str(seed)],
        stdout=subprocess.PIPE, text=True, cwd=folder,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield f"{said['ws_url']} {said['rest_url']}"
        finally:
            process.kill()


@pytest.mark.timeout(400)
def test_one_run_follows_several_exchanges_and_keeps_their_markets_apart(tmp_path: Path) -> None:
    with simulator(tmp_path, 1) as one, simulator(tmp_path, 2) as two:
        hosts = f"one:binance={one},two:binance={two}"
        markets = [part for market in (ONE, TWO, MADE_UP) for part in ("--market", market)]
        with running_command(
            tmp_path, *markets, "--group", f"btc={ONE}+{TWO}", EXCHANGE_HOSTS=hosts
        ) as live:
            for path in ("one/BTC-USDT", "two/BTC-USDT", "ETH-USDT"):
                live.wait_for(path, lambda: live.get(f"/predictions/{path}")[0] == 200, 240)  # noqa: B023
            status, choices = live.get("/predictions/BTC-USDT")
            assert status == 300
            assert "/predictions/one/BTC-USDT" in json.dumps(choices)
            assert live.stop()[0] == 0
    assert "Traceback" not in live.log.read_text()

    with closing(open_store(f"sqlite:///{tmp_path / 'state' / 'realtime.sqlite'}")) as store:
        closes = [
            {candle.open_time_ms: candle.close for candle in store.candles(market, "1s", 0, 2**62)}
            for market in (ONE, TWO)
        ]
    both = closes[0].keys() & closes[1].keys()
    assert len(both) > 60
    assert all(closes[0][open_ms] != closes[1][open_ms] for open_ms in both)


def test_an_exchange_that_is_named_is_where_the_environment_says(tmp_path: Path) -> None:
    with simulator(tmp_path, 1) as urls:
        ws_url, rest_url = urls.split()
        with running_command(
            tmp_path, "--exchange", "binance-usdm", "--symbol", "BTC/USDT:USDT",
            EXCHANGE_WS_URL=ws_url, EXCHANGE_REST_URL=rest_url,
        ) as live:  # fmt: skip
            live.wait_for("the server that was named", lambda: ws_url in live.log.read_text())


def test_markets_are_those_of_options_then_of_settings_then_the_simulator_s() -> None:
    settings = load_all()
    simulated = ("simulator:BTC/USDT", "simulator:ETH/USDT")
    assert followed((), None, (), {}, settings) == (simulated, {})
    assert followed((), "binance", ("BTC/USDT",), {}, settings) == (("binance:BTC/USDT",), {})
    assert followed((ONE, TWO, ONE), None, (), {}, settings) == ((ONE, TWO), {})


def test_markets_of_the_environment_come_with_their_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETS", f"{ONE}, two:btc-usdt")
    monkeypatch.setenv("GROUPS", f"btc={ONE}+{TWO}")
    settings = load_all()
    assert followed((), None, (), {}, settings) == ((ONE, TWO), {"btc": (ONE, TWO)})
    assert settings.plan.plan().markets == (ONE, TWO)
    assert followed((MADE_UP,), None, (), {}, settings) == ((MADE_UP,), {})


def test_options_that_contradict_each_other_are_refused() -> None:
    settings = load_all()
    with pytest.raises(SettingsError, match="leave out --exchange"):
        followed((ONE,), "binance", (), {}, settings)
    with pytest.raises(SettingsError, match="add --market two:BTC/USDT"):
        followed((ONE,), None, (), {"btc": (ONE, TWO)}, settings)
