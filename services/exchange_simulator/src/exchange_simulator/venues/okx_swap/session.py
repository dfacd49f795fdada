"""One connection to the swaps, with channels that spot markets do not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange_simulator.market.context import told_at
from exchange_simulator.serving.session import dump
from exchange_simulator.serving.view import Channel
from exchange_simulator.venues.okx.session import CONNECTION, OkxSession
from exchange_simulator.venues.okx_swap import frames


class SwapSession(OkxSession):
    """What one connection is subscribed to; liquidations are those of all swaps."""

    def of_arg(self, op: str, arg: dict[str, Any]) -> Iterator[str]:
        """Yield the answer to one argument, and what is said at once."""
        channel, instrument = str(arg.get("channel")), str(arg.get("instId"))
        if channel == frames.LIQUIDATIONS and arg.get("instType") == "SWAP":
            yield dump({"event": op, "arg": arg, **CONNECTION})
            for name in self.exchange.markets:
                self.change(op, Channel(f"{channel} {name}", name, "context", channel))
            return
        if channel == frames.INDEX:
            instrument += "-SWAP"
        if channel not in frames.EVERY_US or instrument not in self.exchange.markets:
            yield from super().of_arg(op, arg)
            return
        yield dump({"event": op, "arg": arg, **CONNECTION})
        self.change(op, Channel(f"{channel} {instrument}", instrument, "context", channel))
        if op == "subscribe":
            market, now_us = self.exchange.markets[instrument], self.exchange.now_us()
            told = told_at(market.tape, now_us)
            if told is not None:
                yield frames.told_frame(channel, market, self.sizes, told).decode()
