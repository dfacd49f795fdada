"""What cannot be is refused, and what can be is not."""

from __future__ import annotations

import json
import time
from math import inf, nan
from typing import Any

import msgspec
import pytest

from marketstream.errors import BadMessage
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.plausible import check
from marketstream.runners.testing import ABSURD, GOOD, MARKET, NOW_US, absurd, good
from marketstream.topics import ALL_TOPICS


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_passes(name: str) -> None:
    check(GOOD[name], NOW_US)


@pytest.mark.parametrize(("name", "changes"), ABSURD)
def test_what_cannot_be_is_refused(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(BadMessage):
        check(msgspec.structs.replace(GOOD[name], **changes), NOW_US)


@pytest.mark.parametrize("price", [nan, inf, -inf, 0.0, -1.0, 1e300])
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_a_trade_of_an_absurd_price_or_quantity_is_refused(field: str, price: float) -> None:
    good = GOOD["trades"]
    trade = msgspec.structs.replace(good.trades[0], **{field: price})
    with pytest.raises(BadMessage, match="positive numbers"):
        check(msgspec.structs.replace(good, trades=(trade,)), NOW_US)


@pytest.mark.parametrize("number", range(len(ABSURD)))
def test_nothing_that_cannot_be_comes_from_kafka(number: int) -> None:
    decoding = Decoding({topic.name: topic for topic in ALL_TOPICS})
    now_us = time.time_ns() // 1_000
    name, changes = absurd(now_us)[number]
    message = msgspec.structs.replace(good(MARKET, now_us)[name], **changes)
    raw = json.dumps(msgspec.to_builtins(message)).encode()  # also what msgspec would not write
    with pytest.raises(BadMessage):
        decoding.message(name, raw, None)
