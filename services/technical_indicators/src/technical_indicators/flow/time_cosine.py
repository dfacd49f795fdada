"""Time of day or of the week as the cosine of its turn; `time_sine` beside it tells which half.

cos(2 pi time / period) of the close in UTC, a day of 24 hours turning at midnight, a week of 168 on
Thursdays, as 1970 began.
"""

from __future__ import annotations

from math import cos

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.turns import turn

INDICATOR = BaseDefinition(inputs=("close_time_ms",), parameters={"hours": 24}, form=turn(cos))
