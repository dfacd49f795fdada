"""TA-Lib, imported as if there were no pandas.

Where there is, TA-Lib imports it, which takes longer than all the rest of this service, and has
each of its functions look for series among the arguments, which nobody gives it here.
"""

from __future__ import annotations

import sys

_before = {name: sys.modules[name] for name in ("pandas",) if name in sys.modules}
sys.modules["pandas"] = None  # type: ignore[assignment]  # says that there is none
try:
    import talib
    from talib import abstract, stream
finally:
    del sys.modules["pandas"]
    sys.modules.update(_before)

__all__ = ["abstract", "stream", "talib"]
