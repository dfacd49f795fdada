"""What an endpoint is sent, and what of its answer is believed; no I/O."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from marketstream.errors import SettingsError
from marketstream.messages import Features
from predictor.arena.answers import Abstained, p_up_of
from predictor.arena.settings import ArenaModelSettings

MOST_BYTES = 65_536
"""The longest answer that is read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, until when it answers, and what goes with each request."""

    name: str
    url: str = field(repr=False)
    deadline_ms: int
    headers: Mapping[str, str] = field(repr=False)


class Question(msgspec.Struct, frozen=True):
    """What an endpoint is sent: the vector as of a close, asked about the close after it."""

    market: str
    timeframe: str
    as_of_ms: int
    close_time_ms: int
    horizons_ms: Sequence[int]
    features: Mapping[str, float]


class _Answer(msgspec.Struct, frozen=True):
    probabilities: dict[str, list[float] | None]


def endpoint_of(name: str, settings: ArenaModelSettings) -> Endpoint | None:
    """Return the endpoint of a model, None where it is none.

    SettingsError where the environment lacks its authorization, or that cannot be sent.
    """
    if settings.url is None:
        return None
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    variable = settings.authorization_env
    if variable is not None:
        secret = os.environ.get(variable, "")
        if not secret or not secret.isascii() or not secret.isprintable():
            raise SettingsError(
                f"arena.{name}: the environment variable {variable} has to hold what is sent as "
                "the Authorization header, such as `Bearer ...`, on one line: it is "
                + ("not set" if not secret else "no header")
            )
        headers["Authorization"] = secret
    return Endpoint(name, settings.url, settings.deadline_ms, headers)


def question(
    features: Features, columns: Iterable[str], horizons_ms: Iterable[int], step_ms: int
) -> Question | None:
    """Return what to ask of the close after this one; None where a feature is not known yet."""
    values = {name: features.values.get(name) for name in columns}
    known = {name: value for name, value in values.items() if value is not None}
    if len(known) < len(values):
        return None
    return Question(
        features.market, features.timeframe, features.close_time_ms,
        features.close_time_ms + step_ms, sorted(horizons_ms), known,
    )  # fmt: skip


def believed(body: bytes, horizons_ms: Iterable[int]) -> dict[int, float] | Abstained:
    """Return how likely up is, given a move, by horizon, or why none of an answer is believed."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Abstained("nonsense", 'an answer is no {"probabilities": {"1000": [0.3, 0.2, 0.5]}}')
    found = {}
    for horizon_ms in horizons_ms:
        said = p_up_of(answer.probabilities.get(str(horizon_ms)))
        if isinstance(said, Abstained):
            return said
        if said is not None:
            found[horizon_ms] = said
    return found
