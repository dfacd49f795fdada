"""The messages that move between services, and the parts they are made of.

Every message is an immutable record with a natural identity (`identity`), so that a second writing
of the same one can be recognised; each says what that means. Times are integers in UTC with their
unit in the name. A market is written `venue:SYMBOL`, for example `binance:BTC/USDT`.
"""

from __future__ import annotations

from marketstream.messages.audit import Audit
from marketstream.messages.candle import Candle
from marketstream.messages.context import Context, Funding, Liquidations, Reading
from marketstream.messages.dead_letter import DeadLetter
from marketstream.messages.features import Features
from marketstream.messages.gap import Gap, GapState
from marketstream.messages.model import Model
from marketstream.messages.move_forecast import MoveForecast, MovePrice, MoveTarget
from marketstream.messages.move_outcome import MoveOutcome
from marketstream.messages.outcome import Outcome
from marketstream.messages.prediction import Prediction, Said
from marketstream.messages.stall import Channel, Stall, StallEnd
from marketstream.messages.status import (
    Compared,
    Feed,
    HowFar,
    Learning,
    Mending,
    Parity,
    Recomputed,
    Status,
)
from marketstream.messages.trades import Depth, Levels, Quote, Trade, Trades
from marketstream.messages.words import Answer, CandleState, Direction, Role, Side, Verdict

__all__ = [
    "Answer", "Audit", "Candle", "CandleState", "Channel", "Compared", "Context", "DeadLetter",
    "Depth", "Direction", "Features", "Feed", "Funding", "Gap", "GapState", "HowFar", "Learning",
    "Levels", "Liquidations", "Mending", "Message", "Model", "MoveForecast", "MoveOutcome",
    "MovePrice", "MoveTarget", "Outcome", "Parity", "Prediction", "Quote", "Reading", "Recomputed",
    "Role", "Said", "Side", "Stall", "StallEnd", "Status", "Trade", "Trades", "Verdict",
]  # fmt: skip

type Message = (
    Trades
    | Candle
    | Features
    | Prediction
    | Outcome
    | MoveForecast
    | MoveOutcome
    | Gap
    | Stall
    | Audit
    | Model
    | Status
    | DeadLetter
)
