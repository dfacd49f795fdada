"""What all services have to agree on."""

from __future__ import annotations

import pytest

from marketstream.errors import SettingsError
from marketstream.plan import Plan, PlanSettings
from marketstream.settings import load_settings

BTC, ETH, SOL = "binance:BTC/USDT", "binance:ETH/USDT", "binance:SOL/USDT"


def plan_of(**environment: str) -> Plan:
    return load_settings(PlanSettings, None, environment, env_file=None).plan()


def test_a_market_is_alone_unless_it_is_in_a_group() -> None:
    plan = plan_of(SYMBOLS="BTC/USDT,ETH/USDT,SOL/USDT", GROUPS=f"majors = {BTC} + {ETH}")
    assert [plan.group_of(market) for market in (BTC, ETH, SOL)] == ["majors", "majors", SOL]
    assert plan_of().group_of(BTC) == BTC


@pytest.mark.parametrize(
    "groups", [f"one={BTC}+{SOL}", f"one={BTC},two={BTC}+{ETH}", "one", f"one={BTC}+{BTC}"]
)
def test_a_group_of_markets_that_are_not_followed_or_in_another_is_refused(groups: str) -> None:
    with pytest.raises(SettingsError, match=r"groups: .* has to be one of binance:BTC/USDT"):
        plan_of(GROUPS=groups)
