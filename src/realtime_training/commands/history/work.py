"""What an exchange traded on some days: into files, and as candles into the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from exchanges.catalogue import venues
from exchanges.client import RestClient
from exchanges.sources import Source
from marketstream.errors import InputError
from marketstream.readers import read_trades
from marketstream.store.sql import open_store
from marketstream.symbols import split_market
from realtime_training.commands.history.asking import SLACK_US, pages
from realtime_training.commands.history.days import DayFile, days_between
from realtime_training.commands.history.storing import store_candles

_PATIENCE_S = 600.0  # an exchange may want to be left alone for minutes

type Advanced = Callable[[float], None]
"""Is told how far it has come, in days."""


@dataclass
class Fetched:
    """The days of a market that are in files; `exact` where each trade is one, at its time."""

    market: str
    days: list[DayFile]
    exact: bool
    trades: int = 0
    missing: int = 0

    def summary(self) -> dict[str, Any]:
        """Return counts; `trades` and `missing` are of what was asked for now."""
        return {
            "market": self.market,
            "days": len(self.days),
            "files": [str(day.path) for day in self.days],
            "trades": self.trades,
            "missing": self.missing,
        }


async def fetch(
    source: Source, first: date, end: date, folder: Path, advanced: Advanced
) -> Fetched:
    """Have the days from one to another, exclusive, in files; those that are there stay.

    Raises NetworkError where the exchange cannot be asked, InputError where it has no trades of
    these days, StateError where files cannot be written.
    """
    (market,), (symbol,) = source.markets, source.symbols
    days = [DayFile(folder, market, day) for day in days_between(first, end)]
    if not days:
        raise InputError(f"no whole day lies between {first} and {end}: --to is exclusive")
    wanted = next((day for day in days if not day.is_finished), None)
    if wanted is not None:
        _check_kept(source, wanted.day)
    fetched = Fetched(market, days, exact=not source.venue.past_resolution_ms)
    async with source.client(patience_s=_PATIENCE_S) as client:
        for number, day in enumerate(days):
            if not day.is_finished:
                await _fetch_day(
                    client,
                    symbol,
                    day,
                    fetched,
                    lambda share: advanced(number + share),  # noqa: B023
                )
            advanced(number + 1)
    return fetched


def _check_kept(source: Source, first: date) -> None:
    """Raise InputError where the exchange itself no longer has the trades of a day."""
    venue = source.venue
    if venue.past_days is None or source.rest_url != venue.rest_url:
        return
    oldest = datetime.now(UTC).date() - timedelta(days=venue.past_days - 1)
    if first >= oldest:
        return
    archives = "" if venue.in_contracts else ", or give files of its archive with --archive"
    raise InputError(
        f"{venue.name} has the trades of its last {venue.past_days} days, and {first} is before: "
        f"begin with --from {oldest}{archives}"
    )


async def _fetch_day(
    client: RestClient, symbol: str, day: DayFile, fetched: Fetched, advanced: Advanced
) -> None:
    last = day.begun()
    from_us = day.from_us if last is None else max(day.from_us, last.time_us - SLACK_US)
    after_id = -1 if last is None else last.id
    async for trades in pages(client, symbol, from_us, day.until_us, after_id):
        if client.venue.ids == "contiguous":
            first_id = trades[0].id - trades[0].count + 1
            known = sum(trade.count for trade in trades)
            fetched.missing += trades[-1].id - first_id + 1 - known
            fetched.missing += first_id - after_id - 1 if after_id >= 0 else 0
        after_id = trades[-1].id
        inside = [one for one in trades if day.from_us <= one.time_us < day.until_us]
        day.add(inside)
        fetched.trades += sum(trade.count for trade in inside)
        advanced(min(1.0, (trades[-1].time_us - day.from_us) / (day.until_us - day.from_us)))
    day.finish()


def store_days(fetched: Fetched, state: Path, timeframes: Sequence[str]) -> int:
    """Store the candles of fetched days; return how many. Days beside each other join."""
    symbol = split_market(fetched.market)[1]
    stored = 0
    with closing(open_store(f"sqlite:///{state / 'realtime.sqlite'}")) as store:
        for number, day in enumerate(fetched.days):
            beside = fetched.days[max(0, number - 1) : number + 2]
            trades = read_trades([one.path for one in beside], symbol=symbol)
            within_ms = day.from_us // 1_000, day.until_us // 1_000
            stored += store_candles(
                store, fetched.market, trades, timeframes, within_ms, exact=fetched.exact
            )
    return stored


def store_files(
    market: str, files: Sequence[Path], state: Path, timeframes: Sequence[str]
) -> dict[str, Any]:
    """Store the candles of files of trades; return counts.

    Raises InputError where the exchange's archive counts in contracts, whose worth no file says.
    """
    venue = venues().get(split_market(market)[0])
    if venue is not None and venue.in_contracts:
        raise InputError(
            f"{', '.join(map(str, files))}: {venue.name} counts in contracts, and its archive does "
            "not say what one is worth: ask for the days with --from"
        )
    trades = read_trades(files, symbol=split_market(market)[1])
    with closing(open_store(f"sqlite:///{state / 'realtime.sqlite'}")) as store:
        stored = store_candles(store, market, trades, timeframes, exact=_is_exact(market))
    return {"market": market, "trades": int(trades.count.sum()), "candles": stored}


def _is_exact(market: str) -> bool:
    """Say whether an archive of a market's exchange has each trade at its time."""
    venue = venues().get(split_market(market)[0])
    return venue is None or not venue.past_resolution_ms
