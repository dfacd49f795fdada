"""Images are built and run by `make test-images` only, which names their tag."""

from __future__ import annotations

import os

collect_ignore = [] if "REALTIME_IMAGES" in os.environ else ["test_running.py"]
