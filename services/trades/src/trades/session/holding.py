"""Live messages that wait until what is missing before them is published."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from marketstream.messages import Trade, Trades
from trades.session.pages import first_id

_MOST_TRADES = 200_000  # which is memory; then the live ones go on without the past
_MOST_MESSAGES = 10_000  # then those without trades become one


class Holding:
    """Holds live messages back, for `patience_us` after the first trade and each bit of progress.

    `first` is the first trade held back.
    """

    def __init__(self, patience_us: int) -> None:
        self.first: Trade | None = None
        self.patience_us = patience_us
        self._messages: list[tuple[Trades, int]] = []
        self._trades = 0
        self._until_us: int | None = None

    @property
    def end_id(self) -> int | None:
        """The id that the missing ones end before; None while no live trade waits."""
        return None if self.first is None else first_id(self.first)

    def add(self, message: Trades, received_us: int) -> None:
        """Hold a message back; heartbeats say nothing that a later message does not.

        Of very many the newest without trades takes the place of the one before it.
        """
        if message.trades and self.first is None:
            self.first = message.trades[0]
            self._until_us = received_us + self.patience_us
        beside = (message.quote, message.depth, message.context)
        if message.trades or any(one is not None for one in beside):
            if len(self._messages) >= _MOST_MESSAGES and not message.trades:
                message = self._with_last(message)
            self._messages.append((message, received_us))
            self._trades += len(message.trades)

    def _with_last(self, message: Trades) -> Trades:
        """Return a message with what the last one says beside it, which is taken out for it."""
        last, _ = self._messages[-1]
        if last.trades or last.epoch != message.epoch:
            return message
        self._messages.pop()
        proven = [one.proven_until_us for one in (last, message) if one.proven_until_us is not None]
        return replace(
            message,
            quote=message.quote or last.quote,
            depth=message.depth or last.depth,
            context=message.context or last.context,
            proven_until_us=max(proven, default=None),
        )

    def progress(self, received_us: int) -> None:
        """Be patient anew."""
        if self._until_us is not None:
            self._until_us = received_us + self.patience_us

    def is_over(self, received_us: int) -> bool:
        """Say whether they have waited long enough."""
        waited = self._until_us is not None and received_us >= self._until_us
        return waited or self._trades > _MOST_TRADES

    def number_again(self, epoch: int) -> None:
        """Have all that was held back be of another numbering."""
        self._messages = [(replace(one, epoch=epoch), at) for one, at in self._messages]

    def pass_before(self, trade_id: int, publish: Callable[[Trades, int], None]) -> None:
        """Publish what was held back ahead of the first trade from an id on."""
        held = self._messages
        while held and not any(trade.id >= trade_id for trade in held[0][0].trades):
            publish(*held.pop(0))
        trades = (trade for message, _ in held for trade in message.trades)
        self.first = next(trades, None)

    def let_go(self, publish: Callable[[Trades, int], None]) -> None:
        """Publish what was held back, in order, and hold nothing any more."""
        for message, received_us in self._messages:
            publish(message, received_us)
        self._messages.clear()
        self.first, self._until_us, self._trades = None, None, 0
