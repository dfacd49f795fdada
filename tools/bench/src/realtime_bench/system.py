"""The process that `bench live` measures: `realtime run` on somebody else's exchange, no past."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import msgspec

from marketstream.logs import configure_logs
from marketstream.symbols import market_of
from predictor.arena.settings import ArenaModelSettings
from realtime_bench.load import EXCHANGE, HORIZONS, TIMEFRAME
from realtime_training.commands.run.options import RunOptions
from realtime_training.settings import load_all
from realtime_training.system import run


class Wanted(msgspec.Struct, frozen=True):
    """Where the trades come from, where the API listens, and how often models are trained."""

    ws_url: str
    rest_url: str
    symbols: tuple[str, ...]
    port: int
    state: str
    first_training_s: int
    retrain_every_ms: int
    most_streams: int = 64
    open_read: bool | None = None
    guests: tuple[str, ...] = ()  # models from outside, of `soak_models.guests`


def main() -> None:
    """Run the system that the one argument asks for, as JSON, until SIGTERM."""
    configure_logs()
    wanted = msgspec.json.decode(sys.argv[1], type=Wanted)
    settings = load_all()
    training = settings.predictor.training.model_copy(
        update={"first_after": wanted.first_training_s}
    )
    settings = replace(
        settings,
        # At such a rate an hour of the past is millions of requests' worth of trades.
        trades=settings.trades.model_copy(
            update={"ws_url": wanted.ws_url, "rest_url": wanted.rest_url, "history_minutes": 0}
        ),
        # Candles are compared with those of the exchange that is followed, and of no other.
        storekeeper=settings.storekeeper.model_copy(
            update={"ws_url": wanted.ws_url, "rest_url": wanted.rest_url}
        ),
        predictor=settings.predictor.model_copy(
            update={"training": training, "arena": _arena(wanted.guests)}
        ),
        api=settings.api.model_copy(
            update={"most_streams": wanted.most_streams, "open_read": wanted.open_read}
        ),
    )
    options = RunOptions(
        markets=tuple(market_of(EXCHANGE, symbol) for symbol in wanted.symbols),
        groups={},
        exchange=EXCHANGE,
        any_recorded=False,
        timeframe=TIMEFRAME,
        horizons=HORIZONS,
        recordings=(),
        seed=1,
        speed=1.0,
        faults=None,
        levels=0,
        retrain_every_ms=wanted.retrain_every_ms,
        latency_ms=0,
        host="127.0.0.1",
        port=wanted.port,
        state=Path(wanted.state),
    )
    asyncio.run(run(options, settings))


def _arena(guests: tuple[str, ...]) -> dict[str, ArenaModelSettings]:
    module = "realtime_bench.soak_models.guests"
    return {
        name.lower(): ArenaModelSettings(python=f"{module}:{name}", version="1") for name in guests
    }


if __name__ == "__main__":
    main()
