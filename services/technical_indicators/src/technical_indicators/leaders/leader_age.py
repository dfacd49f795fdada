"""Seconds since the leader last traded or changed its best prices, from base close to base close.

Beyond ten seconds it is silent, and this is missing like all that it says.
"""

from __future__ import annotations

from technical_indicators.leader_definition import LeaderDefinition, newest

INDICATOR = LeaderDefinition(
    inputs=("trade_count", "bid", "ask"),
    form=newest(lambda pair: pair.leader.quiet_s, lambda pairs: pairs.quiet_s),
)
