"""Features and prices of one market, made of files or of the store: what models learn from."""

from __future__ import annotations

from realtime_training.datasets.loading import Recorded, load_files
from realtime_training.datasets.stored import load_stored

__all__ = ["Recorded", "load_files", "load_stored"]
