"""Tries again while the database is out of reach."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from loguru import logger

from marketstream.errors import TransientStateError

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


def patiently[Result](
    attempt: Callable[[], Result], patience_s: float, ending: threading.Event | None = None
) -> Result:
    """Call `attempt` until it no longer raises TransientStateError, and return what it returns.

    The last error is raised once `patience_s` seconds are over, or with the next failure once
    `ending` is set; anything else is raised at once.
    The pauses double, and are random in part: two that were in each other's way do not meet again.
    """
    ending = ending or threading.Event()
    started_s = time.monotonic()
    failures = 0
    while True:
        try:
            result = attempt()
        except TransientStateError as error:
            left_s = started_s + patience_s - time.monotonic()
            if left_s <= 0 or ending.is_set():
                raise
            if failures == 0:
                logger.warning(
                    "The store does not answer: trying again",
                    reason=str(error),
                    patience_s=patience_s,
                )
            pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures, 32))
            failures += 1
            ending.wait(min(left_s, pause_s * random.uniform(0.5, 1.0)))  # noqa: S311 - no secret
        else:
            if failures > 0:
                away_s = round(time.monotonic() - started_s, 3)
                logger.info("The store answers again", failures=failures, away_s=away_s)
            return result
