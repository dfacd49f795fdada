"""Age of the open interest in seconds: the close less the exchange's time of it.

It is known also of one that is too old for anything else to be known of it.
"""

from __future__ import annotations

from technical_indicators.perpetual import OPEN_INTEREST, age

INDICATOR = age(OPEN_INTEREST)
