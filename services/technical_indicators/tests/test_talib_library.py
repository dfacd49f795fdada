"""TA-Lib without pandas, which others of the process may go on using."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("before", ["", "import pandas; "])
def test_talib_is_imported_without_pandas_which_others_may_import(before: str) -> None:
    script = (
        f"import sys; {before}held = sys.modules.get('pandas')\n"
        "import technical_indicators.feature_set\n"
        "assert sys.modules.get('pandas') is held\n"
        "import pandas; pandas.DataFrame\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
