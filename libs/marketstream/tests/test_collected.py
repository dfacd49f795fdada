"""What is kept by the thousand is nothing that a garbage collection would have to look through."""

from __future__ import annotations

import gc

import msgspec
import pytest

from marketstream.messages import Candle, Features, Outcome, Prediction, Said


@pytest.mark.parametrize("kind", [Candle, Features, Prediction, Said, Outcome])
def test_messages_of_a_close_are_not_collected_cyclically(kind: type[msgspec.Struct]) -> None:
    assert not kind.__struct_config__.gc


def test_neither_is_what_a_prediction_holds() -> None:
    said = {"lightgbm": Said(0.6, 1.0, "lightgbm:7")}
    assert not gc.is_tracked(said)
