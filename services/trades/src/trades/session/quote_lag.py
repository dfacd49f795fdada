"""How long trades run ahead of the quotes that explain them."""

from __future__ import annotations

from bisect import bisect_left

_LAGS_US = tuple(
    ms * 1_000 for ms in (0, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 500, 700, 1_000)
)
_TRADES, _FEW = 256, 32
_EVERY_US = 10_000_000


class QuoteLag:
    """The time after which quotes fit trades best: buyers pay the best ask, sellers get the bid.

    A moment of the market is looked at now and then: `is_measuring` says when trades and quotes
    are wanted. Each trade is held against the quote that was the newest right before it, and right
    before some time later; the `lag_us` at which they differ least, summed over 256 trades, is how
    far quotes are behind. It is None before the first is known. Times are those of receipt, since
    that is what a decision sees.
    """

    def __init__(self) -> None:
        self.is_measuring = False
        self.lag_us: int | None = None
        self._trades: list[tuple[int, float, bool]] = []
        self._quotes_us: list[int] = []
        self._quotes: list[tuple[float, float]] = []
        self._since_us: int | None = None

    def trade(self, received_us: int, price: float, *, bought: bool) -> None:
        """Note a trade, and whether its taker bought."""
        if len(self._trades) < _TRADES and self._quotes:
            self._trades.append((received_us, price, bought))

    def quote(self, received_us: int, bid: float, ask: float) -> None:
        """Note the newest best bid and ask."""
        self._quotes_us.append(received_us)
        self._quotes.append((bid, ask))

    def tick(self, received_us: int) -> None:
        """Begin to measure where it is time to, end it where there is enough.

        Where time does not tick, as in a replay, nothing is measured.
        """
        since_us = self._since_us
        if since_us is None or not self.is_measuring:
            if since_us is None or received_us - since_us >= _EVERY_US:
                self.is_measuring, self._since_us = True, received_us
            return
        is_full = len(self._trades) == _TRADES and (
            received_us - self._trades[-1][0] > _LAGS_US[-1]
        )
        if is_full or received_us - since_us >= _EVERY_US:
            if len(self._trades) >= _FEW:
                self.lag_us = min(_LAGS_US, key=self._misfit)
            self.is_measuring, self._since_us = False, received_us
            self._trades.clear()
            self._quotes_us.clear()
            self._quotes.clear()

    def _misfit(self, lag_us: int) -> float:
        """Return how far prices are from the quotes of so much later, in sum."""
        misfit = 0.0
        for received_us, price, bought in self._trades:
            place = bisect_left(self._quotes_us, received_us + lag_us) - 1
            bid, ask = self._quotes[max(place, 0)]
            misfit += abs(price - (ask if bought else bid))
        return misfit
