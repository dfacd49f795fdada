"""Seconds since liquidations would have been told: the newest of what that connection tells.

There need not have been any. It is known also where that is too long ago for anything else to be.
"""

from __future__ import annotations

from technical_indicators.perpetual import LIQUIDATIONS, age

INDICATOR = age(LIQUIDATIONS)
