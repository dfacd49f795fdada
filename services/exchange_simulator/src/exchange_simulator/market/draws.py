"""Random draws that depend on nothing but what they are for.

Every stream is seeded by a hash of (seed, symbol, purpose, place), so that any hour of any market
can be drawn alone, in any order, in any process, and comes out the same (with one version of numpy:
its streams may change between versions).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]


class Draws(NamedTuple):
    """The streams of one market."""

    seed: int
    symbol: str

    def generator(self, purpose: str, *place: int) -> np.random.Generator:
        """Return a fresh generator for one purpose at one place (an hour, say)."""
        name = repr((self.seed, self.symbol, purpose, *place)).encode()
        entropy = int.from_bytes(hashlib.sha256(name).digest()[:16])
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

    def normals(self, purpose: str, hour: int, count: int) -> Floats:
        """Return the first `count` standard normals of an hour; more begin with the same ones."""
        return self.generator(purpose, hour).standard_normal(count)
