"""Imbalance of the leader's best prices: (bid size - ask size) / (bid size + ask size), -1..1.

What `imbalance` is for the market itself.
"""

from __future__ import annotations

from technical_indicators.leader_definition import LeaderDefinition, newest

INDICATOR = LeaderDefinition(
    inputs=("bid_quantity", "ask_quantity"),
    form=newest(lambda pair: pair.leader.imbalance, lambda pairs: pairs.imbalance),
)
