"""What the checks of venues are made with."""

from __future__ import annotations

from collections.abc import Callable

from exchanges.samples import Samples
from marketstream.errors import RealtimeError


def expect(holds: bool, what: str) -> None:  # noqa: FBT001 - a condition
    """Raise AssertionError where something does not hold."""
    if not holds:
        raise AssertionError(what)


def raises(kind: type[RealtimeError], call: Callable[[], object], what: str) -> None:
    """Raise AssertionError where a call does not raise this error."""
    try:
        said = call()
    except kind:
        return
    raise AssertionError(f"{what}: {kind.__name__} is wanted, and it gives {said!r:.200}")


def like(samples: Samples, *pairs: str) -> list[str]:
    """Return pairs as symbols of the samples' kind; perpetuals say what they are settled in."""
    is_perpetual = ":" in samples.symbol
    return [f"{pair}:{pair.partition('/')[2]}" if is_perpetual else pair for pair in pairs]


def others(samples: Samples) -> list[str]:
    """Return two symbols that no sample is of."""
    return like(samples, "QQQ/ZZZ", "ZZZ/QQQ")
