"""The API as methods: what is newest, what was, and what happens from now on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from realtime_client.answers import (
    Accuracy,
    Candle,
    Indicators,
    Judged,
    MarketPredictions,
    Missed,
    Outcome,
    Prediction,
    Symbol,
    Told,
)
from realtime_client.errors import ApiError, NotReachableError
from realtime_client.moves import JudgedMove, MarketMoves, Move, MoveOutcome
from realtime_client.transport import Event, Transport

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_LATER = frozenset({429, 503})
_LIMIT = 5_000  # closes of a page
_DIRECTIONS: Mapping[str, type[Prediction | Outcome]] = {
    "prediction": Prediction,
    "outcome": Outcome,
}
_MOVES: Mapping[str, type[Move | MoveOutcome]] = {"move": Move, "move_outcome": MoveOutcome}


class _Page[Row](msgspec.Struct, frozen=True):
    next: str | None
    rows: list[Row]


class _Stretches(msgspec.Struct, frozen=True):
    stretches: list[Accuracy]


class Client:
    """Asks a running system's API at `url`; calls may come from any thread.

    Where reading is not open, `key` says who asks. Where it refuses, ApiError says why; where it
    cannot be reached, NotReachableError.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._transport = Transport(url, key, timeout_s)

    def symbols(self) -> list[Symbol]:
        """Return the markets that are followed."""
        return msgspec.json.decode(self._transport.get("/symbols"), type=list[Symbol])

    def predictions(self, symbol: str, *, horizon: str | None = None) -> MarketPredictions:
        """Return the newest prediction of each horizon, or of one, such as 2s."""
        answer = self._transport.get(f"/predictions/{_path(symbol)}", {"horizon": horizon})
        return msgspec.json.decode(answer, type=MarketPredictions)

    def history(
        self,
        symbol: str,
        *,
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> Iterator[Judged]:
        """Yield predictions with what came of them, the oldest first, a page at a time."""
        asked = {"from": since, "to": until, "horizon": horizon}
        yield from self._pages(f"/predictions/{_path(symbol)}/history", asked, _Page[Judged])

    def moves(
        self, symbol: str, *, target: str = "volatility", horizon: str | None = None
    ) -> MarketMoves:
        """Return how far the price is said to go, as volatility or range, of each horizon."""
        asked = {"target": target, "horizon": horizon}
        answer = self._transport.get(f"/predictions/{_path(symbol)}", asked)
        return msgspec.json.decode(answer, type=MarketMoves)

    def move_history(
        self,
        symbol: str,
        *,
        target: str = "volatility",
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> Iterator[JudgedMove]:
        """Yield forecasts of how far with what came of them, the oldest first."""
        asked = {"from": since, "to": until, "horizon": horizon, "target": target}
        yield from self._pages(f"/predictions/{_path(symbol)}/history", asked, _Page[JudgedMove])

    def candles(
        self,
        symbol: str,
        *,
        timeframe: str | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
    ) -> Iterator[Candle]:
        """Yield closed candles, the oldest first, a page at a time."""
        asked = {"from": since, "to": until, "timeframe": timeframe}
        yield from self._pages(f"/candles/{_path(symbol)}", asked, _Page[Candle])

    def indicators(
        self,
        symbol: str,
        *,
        names: Iterable[str] | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
    ) -> Iterator[Indicators]:
        """Yield the indicators in use as of each close, the oldest first, a page at a time."""
        asked = {"from": since, "to": until, "name": None if names is None else list(names)}
        yield from self._pages(f"/indicators/{_path(symbol)}", asked, _Page[Indicators])

    def accuracy(
        self,
        symbol: str,
        *,
        every: str | None = None,
        since: str | int | None = None,
        until: str | int | None = None,
        horizon: str | None = None,
    ) -> list[Accuracy]:
        """Return how often predictions were right, by stretches of time such as 15m."""
        asked = {"from": since, "to": until, "every": every, "horizon": horizon}
        answer = self._transport.get(f"/predictions/{_path(symbol)}/accuracy", asked)
        return msgspec.json.decode(answer, type=_Stretches).stretches

    def follow(
        self, symbol: str, *, horizon: str | None = None, after: str | None = None
    ) -> Iterator[Told]:
        """Yield predictions and what came of them as they happen, whatever connections do.

        A connection that is lost is made again, after 0.5 s and then twice as long each time up to
        10 s, and what happened meanwhile is yielded first: all of it, or a Missed that says what is
        not. It goes on after the event of an id. ApiError where there is no such market or horizon.
        """
        for event in self._follow(symbol, {"horizon": horizon}, after):
            told = _told(event, _DIRECTIONS)
            if told is not None:
                yield told

    def follow_moves(
        self,
        symbol: str,
        *,
        target: str = "volatility",
        horizon: str | None = None,
        after: str | None = None,
    ) -> Iterator[Move | MoveOutcome | Missed]:
        """Yield how far the price is said to go, and how far it went, as `follow` does."""
        for event in self._follow(symbol, {"horizon": horizon, "target": target}, after):
            told = _told(event, _MOVES)
            if told is not None:
                yield told

    def _follow(
        self, symbol: str, asked: Mapping[str, object], after: str | None
    ) -> Iterator[Event]:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                path = f"/predictions/{_path(symbol)}/stream"
                for event in self._transport.events(path, asked, after):
                    pause_s = _FIRST_PAUSE_S
                    after = event.id or after
                    yield event
            except NotReachableError:
                pass  # as is a stream that ends: the API is restarted, or we were too slow
            except ApiError as error:
                if error.status not in _LATER:
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def scoreboard(self) -> dict[str, Any]:
        """Return how good predictions have been, by market."""
        found: dict[str, Any] = self._any("/scoreboard")
        return found

    def models(
        self, symbol: str, *, since: str | int | None = None, until: str | int | None = None
    ) -> list[dict[str, Any]]:
        """Return which models served a market, when, and how often each was right."""
        found: list[dict[str, Any]] = self._any(
            f"/models/{_path(symbol)}", {"from": since, "to": until}
        )
        return found

    def integrity(
        self, symbol: str, *, since: str | int | None = None, until: str | int | None = None
    ) -> dict[str, Any]:
        """Return how whole a market is: ids, gaps, stalls and certificates."""
        found: dict[str, Any] = self._any(
            f"/integrity/{_path(symbol)}", {"from": since, "to": until}
        )
        return found

    def health(self) -> dict[str, Any]:
        """Return how each market is; ApiError where nothing can be served."""
        found: dict[str, Any] = self._any("/health")
        return found

    def _any(self, path: str, asked: Mapping[str, object] | None = None) -> Any:
        return msgspec.json.decode(self._transport.get(path, asked))

    def _pages[Row](
        self, path: str, asked: Mapping[str, object], kind: type[_Page[Row]]
    ) -> Iterator[Row]:
        page = msgspec.json.decode(self._transport.get(path, {**asked, "limit": _LIMIT}), type=kind)
        yield from page.rows
        while page.next is not None:
            page = msgspec.json.decode(self._transport.get(page.next), type=kind)
            yield from page.rows


def _path(symbol: str) -> str:
    """Return a symbol as URLs have it: BTC/USDT becomes BTC-USDT, a venue stays before it."""
    venue, separator, rest = symbol.partition(":")
    if separator and "/" in rest and "/" not in venue:  # binance:BTC/USDT
        return f"{quote(venue)}/{quote(rest.replace('/', '-'), safe=':')}"
    return quote(symbol, safe="/:")


def _told[Kind: msgspec.Struct](
    event: Event, kinds: Mapping[str, type[Kind]]
) -> Kind | Missed | None:
    """Return what an event tells, by its name; None for one that this version does not know."""
    if event.name == "missed":
        return msgspec.json.decode(event.data, type=Missed)
    kind = kinds.get(event.name)
    if kind is None:
        return None
    return msgspec.structs.replace(msgspec.json.decode(event.data, type=kind), event_id=event.id)
