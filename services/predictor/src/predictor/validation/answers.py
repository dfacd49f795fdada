"""What a model said of rows that it was judged by, kept so that its successors can be compared."""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple, Self
from zipfile import BadZipFile

import numpy as np

from marketstream.columns import Floats, Times
from marketstream.errors import InputError


class Answers(NamedTuple):
    """Probabilities of up by the time of the decision, in order of that."""

    times_ms: Times
    p_up: Floats

    def dump(self) -> bytes:
        """Return both columns as a compressed file of numpy."""
        file = BytesIO()
        np.savez_compressed(file, **self._asdict())
        return file.getvalue()

    @classmethod
    def load(cls, content: bytes) -> Self:
        """Read what was dumped; InputError for what is no such file."""
        try:
            columns = np.load(BytesIO(content))
            return cls(columns["times_ms"], columns["p_up"])
        except (ValueError, LookupError, OSError, BadZipFile) as error:
            raise InputError(f"the answers cannot be read ({error})") from error

    def at(self, times_ms: Times) -> Floats:
        """Return what was said at these times, NaN where nothing was."""
        if not len(self.times_ms):
            return np.full(len(times_ms), np.nan)
        place = np.minimum(np.searchsorted(self.times_ms, times_ms), len(self.times_ms) - 1)
        return np.where(self.times_ms[place] == times_ms, self.p_up[place], np.nan)
