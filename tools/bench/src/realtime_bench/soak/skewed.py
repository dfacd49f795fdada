"""`python -m realtime_bench.soak.skewed run ...`: `realtime`, where the clock is wrong.

`SOAK_CLOCK_OFF_S` says by how much it is ahead. Nobody may set a machine's clock for a test; these
two functions are what the program asks for the time.
"""

from __future__ import annotations

import os
import time

OFF = "SOAK_CLOCK_OFF_S"


def skew(seconds: float) -> None:
    """Put the clock of this process so far ahead, or behind where it is below 0."""
    true_ns, ahead_ns = time.time_ns, round(seconds * 1e9)
    time.time_ns = lambda: true_ns() + ahead_ns
    time.time = lambda: time.time_ns() / 1e9


if __name__ == "__main__":
    skew(float(os.environ[OFF]))
    from realtime_training.__main__ import main

    main()
