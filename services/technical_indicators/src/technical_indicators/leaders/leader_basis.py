"""Basis to the leader: log of its mid less log of the market's own.

Between a perpetual and its spot, or two currencies of quotation, it has a level of its own that
drifts; what foretells is its change.
"""

from __future__ import annotations

from technical_indicators.leader_definition import LeaderDefinition, newest

INDICATOR = LeaderDefinition(
    inputs=("bid", "ask"),
    form=newest(lambda pair: pair.basis, lambda pairs: pairs.basis),
)
