"""Whose frames files hold: the exchange and the symbol that recordings name in their first line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from exchanges.catalogue import venue_named
from marketstream.errors import InputError, SettingsError
from marketstream.recordings import header_of
from marketstream.symbols import parse_symbol
from realtime_training.settings import Settings


def told_by(
    files: Sequence[Path], settings: Settings, symbol: str | None
) -> tuple[Settings, str | None]:
    """Return settings with the exchange that the files name, and their symbol if there is but one.

    Files that name nothing are of the exchange in the settings, and of the symbol asked for. Raises
    InputError where files contradict each other or the symbol, SettingsError where there are
    several symbols to choose from or the exchange is none we know.
    """
    # Where nothing depends on it, whoever reads the file says that it is not there.
    asked = [file for file in files if symbol is None or file.exists()]
    headers = {file: header for file in asked if (header := header_of(file)) is not None}
    if not headers:
        return settings, symbol
    venues = sorted({header.venue for header in headers.values()})
    if len(venues) > 1:
        whose = ", ".join(f"{file} of {header.venue}" for file, header in headers.items())
        raise InputError(f"{whose}: give recordings of one exchange")
    venue_named(venues[0])
    trades = settings.trades.model_copy(update={"exchange": venues[0]})
    held = [set(header.symbols) for header in headers.values()]
    common = sorted(set.intersection(*held))
    names = ", ".join(map(str, headers))
    if not common:
        raise InputError(f"{names}: no symbol is in all of them: give recordings of one market")
    if symbol is None:
        if len(common) > 1:
            raise SettingsError(f"{names}: give --symbol, one of {', '.join(common)}")
        symbol = common[0]
    elif parse_symbol(symbol) not in common:
        raise InputError(
            f"{symbol} is not recorded in {names}: choose --symbol among {', '.join(common)}, or "
            "leave it out where there is but one"
        )
    return replace(settings, trades=trades), symbol
