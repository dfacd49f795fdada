"""Markets are shared out among the instances of this service: each is followed by one of them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def shared_out(markets: Iterable[str], instance: int, instances: int) -> tuple[str, ...]:
    """Return the markets that one of several instances follows.

    Whoever draws the highest number for a market has it, so that with one instance more or less
    only its own markets move (rendezvous hashing, Thaler and Ravishankar 1998,
    https://doi.org/10.1109/90.663936).
    """

    def owner(market: str) -> int:
        return max(range(instances), key=lambda one: _draw(market, one))

    return tuple(market for market in markets if owner(market) == instance)


def _draw(market: str, instance: int) -> bytes:
    return blake2b(f"{instance} {market}".encode(), digest_size=8).digest()
