"""`python -m realtime_training` is the `realtime` command."""

from __future__ import annotations

from realtime_training.commands import main

if __name__ == "__main__":
    main()
