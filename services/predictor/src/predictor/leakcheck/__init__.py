"""Proves that nothing learnt from, or judged by, was not known at its time.

Each check takes what it checks as an argument and changes what that may not know of: what comes out
has to stay. What is returned are leaks, the first row of each feature; none where all is well.
"""

from __future__ import annotations

from predictor.leakcheck.before_training import before_training
from predictor.leakcheck.claims import (
    FAULTS,
    TOO_FEW_MOVES,
    Audit,
    Fault,
    Figure,
    Scored,
    audit_claim,
)
from predictor.leakcheck.features import Featured, Series, streaming, truncation, warm_up
from predictor.leakcheck.leaks import LABEL, Kind, Leak
from predictor.leakcheck.learning import (
    Labeller,
    Pipeline,
    Splitter,
    fitted,
    fitting,
    horizon,
    overlap,
)

__all__ = [
    "FAULTS",
    "LABEL",
    "TOO_FEW_MOVES",
    "Audit",
    "Fault",
    "Featured",
    "Figure",
    "Kind",
    "Labeller",
    "Leak",
    "Pipeline",
    "Scored",
    "Series",
    "Splitter",
    "audit_claim",
    "before_training",
    "fitted",
    "fitting",
    "horizon",
    "overlap",
    "streaming",
    "truncation",
    "warm_up",
]
