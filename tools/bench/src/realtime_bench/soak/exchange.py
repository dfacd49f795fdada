"""The simulated exchange of a soak: a process of its own, told over HTTP what to do wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from exchange_simulator.market.tape import Tape
from exchange_simulator.venues import server_of
from marketstream.errors import NetworkError
from realtime_bench.soak.truth import Truth, truth_of
from realtime_training.commands.simulate.work import MarketChoice

_PATIENCE_S = 60.0


class FaultyExchange:
    """`realtime simulate --faults none`, whose faults begin and end at a word.

    It speaks as a `venue` does. Symbols are unified ones, such as `BTC/USDT`. Its market time is
    the local clock's.
    """

    def __init__(self, venue: str, ws_url: str, rest_url: str, tapes: Sequence[Tape]) -> None:
        self.venue = venue
        self.ws_url = ws_url
        self.rest_url = rest_url
        self.symbols = tuple(tape.symbol for tape in tapes)
        self._tapes = {tape.symbol: tape for tape in tapes}
        self._wire = server_of(venue).wire_symbol

    def begin(
        self,
        kind: str,
        symbol: str | None = None,
        *,
        seconds: float | None = None,
        share: float | None = None,
    ) -> dict[str, Any]:
        """Begin a fault, of one market or of all; return its row of the log."""
        asked = {"symbol": self._named(symbol), "seconds": seconds, "share": share}
        return dict(self._say("POST", f"/simulator/faults/{kind}{_query(asked)}"))

    def end(self, kind: str, symbol: str | None = None) -> None:
        """End the faults of a kind, of one market or of all."""
        self._say("DELETE", f"/simulator/faults/{kind}{_query({'symbol': self._named(symbol)})}")

    def log(self) -> dict[int, dict[str, Any]]:
        """Return what it did wrong so far, by the faults' numbers."""
        return {row["number"]: row for row in self._say("GET", "/simulator/faults")}

    def truth(self, symbol: str, from_us: int, to_us: int) -> Truth:
        """Return what a market traded in `[from_us, to_us)`, with the ids that it gave."""
        epochs = self._ledger(symbol)["epochs"]
        return truth_of(
            self._tapes[symbol], from_us, to_us, [epoch["begins_at"] for epoch in epochs[1:]]
        )

    def warm_up(self) -> None:
        """Have the present hour of each market made, which takes about a second."""
        for symbol in self.symbols:
            self._ledger(symbol)

    def _ledger(self, symbol: str) -> Any:
        return self._say("GET", f"/simulator/ledger/{quote(self._wire(symbol), safe='')}?limit=1")

    def _named(self, symbol: str | None) -> str | None:
        return None if symbol is None else self._wire(symbol)

    def _say(self, method: str, path: str) -> Any:
        url = f"{self.rest_url}{path}"
        request = urllib.request.Request(url, method=method)  # noqa: S310 - our own process
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310
            return json.loads(answer.read())


@contextmanager
def faulty_exchange(
    folder: Path,
    symbols: Sequence[str],
    seed: int,
    trades_per_second: float,
    venue: str = "binance",
) -> Iterator[FaultyExchange]:
    """Start an exchange of markets that trade so often each; it ends with the block."""
    command = [
        sys.executable, "-m", "realtime_training", "simulate", "--json", "--port", "0",
        "--venue", venue,
        "--faults", f"none:seed={seed}", "--seed", str(seed),
        "--trades-per-second", str(trades_per_second),
    ]  # fmt: skip
    for symbol in symbols:
        command += ["--symbol", symbol]
    log = folder / "exchange.log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said:
                raise NetworkError(f"the simulated exchange ended: {log.read_text()[-2_000:]}")
            where = json.loads(said)
            choice = MarketChoice(
                tuple(symbols), seed=seed, trades_per_second=trades_per_second, venue=venue
            )
            exchange = FaultyExchange(venue, where["ws_url"], where["rest_url"], choice.tapes())
            exchange.warm_up()
            yield exchange
        finally:
            process.terminate()


def _query(asked: Mapping[str, object]) -> str:
    given = {name: value for name, value in asked.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
