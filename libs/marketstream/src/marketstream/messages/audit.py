"""How stored candles compared with the exchange's own."""

from __future__ import annotations

import msgspec


class Audit(msgspec.Struct, frozen=True):
    """What was found when the candles of a timeframe that open in `[from_ms, to_ms)` were compared.

    So many complete ones were `compared`, and so many of them `equal`; `incomplete` ones count
    apart. Of a timeframe that the exchange has no candles of, it is with what its trades make. The
    first writing of an identity wins.
    """

    market: str
    timeframe: str
    from_ms: int
    to_ms: int
    compared: int
    equal: int
    incomplete: int

    @property
    def identity(self) -> tuple[str, str, int]:
        """Market, timeframe and the open time of the first candle."""
        return (self.market, self.timeframe, self.from_ms)
