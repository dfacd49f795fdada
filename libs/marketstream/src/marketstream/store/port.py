"""The store as everybody else sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from marketstream.evidence import Streams, Tally
from marketstream.keys import ApiKey
from marketstream.messages import (
    Candle,
    DeadLetter,
    Features,
    Gap,
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Stall,
)
from marketstream.messages.score_sums import ScoreSums
from marketstream.messages.seal import OutcomeSeal, Seal
from marketstream.store.counts import Ledger
from marketstream.store.forgetting import Forgettable
from marketstream.store.rows import Stored
from marketstream.store.served import Served

EVER_MS = 2**63 - 1
"""Later than any time that can be stored."""


class Store(Protocol):
    """Keeps rows by their identity, so that a second writing changes nothing it should not.

    Of a candle, a closed one wins over a forming one, then the higher revision; of a gap or stall
    the newest writing until it is no longer open; of everything else the first writing. Ranges are
    `[from_ms, to_ms)` and come in order of time. Every method may be called from any thread, and
    raises StateError where the store cannot be used: a TransientStateError where that passes, and
    the same call may succeed a moment later.
    """

    def write(self, rows: Sequence[Stored]) -> None:
        """Write rows in one transaction: all of them or, where it raises, none."""
        ...

    def candles(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Candle]:
        """Return the candles that open in the range, forming ones too."""
        ...

    def last_candles(
        self, market: str, timeframe: str, count: int, before_ms: int = EVER_MS
    ) -> list[Candle]:
        """Return the last `count` candles that open before a time, the oldest first.

        Forming ones are among them.
        """
        ...

    def features(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Features]:
        """Return the feature vectors as of closes in the range."""
        ...

    def predictions(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[Prediction]:
        """Return the predictions made at closes in the range."""
        ...

    def outcomes(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[Outcome]:
        """Return the outcomes of predictions made at closes in the range."""
        ...

    def move_forecasts(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[MoveForecast]:
        """Return what was said at closes in the range of how far the price will go."""
        ...

    def move_outcomes(
        self, market: str, timeframe: str, from_ms: int, to_ms: int
    ) -> list[MoveOutcome]:
        """Return what came of the forecasts of how far that were made at closes in the range."""
        ...

    def models(self, market: str, from_ms: int, to_ms: int) -> list[Model]:
        """Return the models that began to serve in the range, in the order in which they did."""
        ...

    def served(self, market: str, from_ms: int, to_ms: int) -> list[Served]:
        """Return what came of the predictions of each model version at closes in the range."""
        ...

    def tallies(
        self, market: str, timeframe: str, until_ms: int, streams: Sequence[Streams]
    ) -> list[Tally]:
        """Return the champion's outcomes at closes before `until_ms`, counted where alike.

        Those that were late are left out, and those that have no stream.
        """
        ...

    def latest_model(self, market: str, timeframe: str, horizon_ms: int) -> Model | None:
        """Return the model that began to serve last."""
        ...

    def seals(self, market: str, timeframe: str) -> list[Seal]:
        """Return all seals of a market's predictions."""
        ...

    def outcome_seals(self, market: str, timeframe: str) -> list[OutcomeSeal]:
        """Return all seals of a market's outcomes."""
        ...

    def score_sums(self, market: str, timeframe: str, from_ms: int, to_ms: int) -> list[ScoreSums]:
        """Return the sums of what came of predictions, of stretches that begin in the range."""
        ...

    def prediction_span(self, market: str, timeframe: str) -> tuple[int, int] | None:
        """Return the first and the last close that was predicted, None where none was."""
        ...

    def outcome_span(self, market: str, timeframe: str) -> tuple[int, int] | None:
        """Return the first and the last close that has an outcome, None where none has."""
        ...

    def gaps(self, market: str, from_ms: int, to_ms: int) -> list[Gap]:
        """Return the gaps that begin in the range."""
        ...

    def open_gaps(self, market: str) -> list[Gap]:
        """Return the gaps that have neither been repaired nor given up."""
        ...

    def numbering(self, market: str) -> tuple[int, int]:
        """Return which numbering the market's ids are of by now, and since when (µs).

        Both are 0 where they never began again.
        """
        ...

    def stalls(self, market: str, from_ms: int, to_ms: int) -> list[Stall]:
        """Return the stalls that begin in the range."""
        ...

    def ledger(self, market: str, from_ms: int, to_ms: int) -> Ledger:
        """Return how whole a market is over the range: ids, gaps, stalls and certificates.

        All of it is as of one moment, whatever is written meanwhile.
        """
        ...

    def newest_ms(self, market: str) -> int | None:
        """Return when the newest candle of any timeframe closes, None where there is none."""
        ...

    def timeframes(self, market: str) -> list[str]:
        """Return the timeframes that a market has candles of, the finest first."""
        ...

    def pack(self, market: str, timeframe: str, before_ms: int) -> int:
        """Pack features, predictions and outcomes of the oldest closes that are not packed yet.

        They are those of a stretch of 600 closes, a day at most, where it ends before a time;
        return how many rows they were, 0 at the end. They are read as before. What is written of
        such closes later is counted by `served` and `tallies` once it is packed too.
        """
        ...

    def forget(self, table: Forgettable, market: str, timeframe: str, before_ms: int) -> int:
        """Delete a stretch of the oldest rows from before a time; return how many, 0 at the end.

        What is packed goes a whole stretch at a time.
        """
        ...

    def markets(self) -> list[str]:
        """Return the markets that have candles, sorted."""
        ...

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return at most `limit` dead letters, the newest first."""
        ...

    def api_keys(self) -> list[ApiKey]:
        """Return the keys of the API, by name."""
        ...

    def add_key(self, key: ApiKey) -> bool:
        """Add a key of the API; False, and nothing is changed, where one has that name."""
        ...

    def revoke_key(self, name: str) -> bool:
        """Delete a key of the API; False where there is none of that name."""
        ...

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
