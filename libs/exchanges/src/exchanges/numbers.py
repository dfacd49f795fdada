"""What a number on the wire has to be like, whichever way it comes."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e18)]
