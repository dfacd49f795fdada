"""What a model is given to decide on."""

from __future__ import annotations

import msgspec


class Features(msgspec.Struct, frozen=True, gc=False):
    """The feature vector as of `close_time_ms`: name to number, None while warming up.

    Timeframes finer than the one decided on carry prices only (`values` is empty): outcomes and
    labels are measured on them. `forming` says that the candle has not closed yet: it shows how
    things stand, and neither outcomes nor labels nor training may use it.
    """

    market: str
    timeframe: str
    close_time_ms: int
    values: dict[str, float | None]
    bid: float | None
    ask: float | None
    close: float
    feature_set: str
    complete: bool = True
    first_buy: float | None = None
    first_sell: float | None = None
    forming: bool = False
    high: float | None = None
    low: float | None = None
    volume: float | None = None

    @property
    def identity(self) -> tuple[str, str, int, str]:
        """Market, timeframe, close time and version of the feature set."""
        return (self.market, self.timeframe, self.close_time_ms, self.feature_set)

    @property
    def mid(self) -> float | None:
        """The middle of the book as of the close, where there was a book."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2
