"""The topics messages travel on, and the type of message each carries."""

from __future__ import annotations

from typing import NamedTuple

from marketstream.messages import Candle, DeadLetter, Features, Outcome, Prediction, Trades


class Topic(NamedTuple):
    """A name and the one type of message that travels under it."""

    name: str
    message: type


TRADES = Topic("trades", Trades)
CANDLES = Topic("candles", Candle)
FEATURES = Topic("technical_indicators", Features)
PREDICTIONS = Topic("predictions", Prediction)
OUTCOMES = Topic("outcomes", Outcome)
DEAD_LETTERS = Topic("dead_letters", DeadLetter)

ALL_TOPICS = (TRADES, CANDLES, FEATURES, PREDICTIONS, OUTCOMES, DEAD_LETTERS)
