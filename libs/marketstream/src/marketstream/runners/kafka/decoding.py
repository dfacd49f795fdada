"""What Kafka's messages say: decoded, and known to be such that their readers can take it."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from typing import Any

import msgspec

from marketstream.errors import BadMessage
from marketstream.messages import Trades
from marketstream.runners import plausible
from marketstream.runners.kafka.leads import Leads
from marketstream.topics import DEAD_LETTERS, Topic

_SHOWN = 100  # characters of a key or market in a reason


class Decoding:
    """Decodes the messages of some topics, by the name each has on the broker.

    With `group_of` a message's key has to be the group of its market; with `markets` it has to be
    of one of them.
    """

    def __init__(
        self,
        topics: Mapping[str, Topic],
        *,
        group_of: Callable[[str], str] | None = None,
        markets: Container[str] | None = None,
    ) -> None:
        self._decoders = {
            name: msgspec.json.Decoder[Any](topic.message) for name, topic in topics.items()
        }
        self._group_of = group_of
        self._markets = markets
        self._leads = Leads()

    def message(
        self, topic: str, raw: bytes | None, key: bytes | None, published_ms: int = -1
    ) -> Any:
        """Return the message that a value is; BadMessage where it is none, or none to be used.

        Where it is said when it was published, trades may not be of much later.
        """
        if raw is None:
            raise BadMessage("it has no value")
        decoder = self._decoders[topic]
        message = decoded(decoder, raw)
        if decoder.type is DEAD_LETTERS.message:
            return message
        market = message.market
        if self._markets is not None and market not in self._markets:
            raise BadMessage(f"its market {market[:_SHOWN]!r} is none of those followed")
        if self._group_of is not None and key != self._group_of(market).encode():
            shown = None if key is None else key[:_SHOWN]
            raise BadMessage(f"its key is {shown!r}, and its market {market[:_SHOWN]!r}")
        now_us = time.time_ns() // 1_000
        if published_ms >= 0 and type(message) is Trades:
            self._leads.check(message, published_ms * 1_000, now_us)
        else:
            plausible.check(message, now_us)
        return message


def decoded[Message](decoder: msgspec.json.Decoder[Message], raw: bytes) -> Message:
    """Return the message that bytes are; BadMessage where they are none."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"it is no {decoder.type.__name__}: {error}") from error
    except RecursionError as error:
        raise BadMessage(f"it is no {decoder.type.__name__}: it is nested too deep") from error
