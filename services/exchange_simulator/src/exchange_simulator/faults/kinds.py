"""All kinds of faults: where each strikes, how long, and what it does in a line."""

from __future__ import annotations

from typing import NamedTuple

from marketstream.errors import SettingsError
from marketstream.nearest import did_you_mean


class Kind(NamedTuple):
    """A kind of fault.

    `seconds` is how long one lasts unless said otherwise; None strikes once. While it lasts it
    strikes `share` of the frames or requests it can.
    """

    name: str
    place: str
    seconds: float | None
    share: float
    text: str


def _kinds(place: str, seconds: float | None, share: float, **texts: str) -> list[Kind]:
    return [Kind(name, place, seconds, share, text) for name, text in texts.items()]


_ALL = [
    *_kinds(
        "connection", None, 1.0,
        cut="connections end abruptly, without a close frame",
        close="connections are closed with a close frame",
        server_shutdown="the serverShutdown event, then a close frame",
        huge="a frame of 64 MB",
    ),
    *_kinds(
        "connection", 30.0, 1.0,
        half_open="open connections say nothing more and answer no ping",
        zombie="open connections answer pings and say nothing else",
        endless="a message of fragments without end, and nothing else",
    ),
    *_kinds(
        "channel", 30.0, 1.0,
        silent_trades="no trades; quotes go on",
        silent_quotes="no quotes; trades go on",
        stall="nothing but pongs, then all at once",
    ),
    *_kinds(
        "frame", None, 0.25,
        duplicate="a trade comes twice",
        reorder="a trade comes after the next one",
        drop="a trade does not come",
        malformed="a frame that is no JSON; the trade comes too, or not",
        truncated="half a frame; the trade comes too, or not",
        wrong_symbol="a trade under another or an unknown symbol; the true one comes too, or not",
        absurd_price="a price of 0, below 0, NaN or 1e400; the trade comes too, or not",
        absurd_quantity="a quantity of 0, below 0, NaN or 1e400; the trade comes too, or not",
        absurd_time="a time minutes to decades off; the trade comes too, or not",
        id_ahead="an id a million ahead; the trade comes too, or not",
        id_behind="an id a million behind, 0 at least; the trade comes too, or not",
    ),
    *_kinds("numbering", None, 1.0, ids_again="ids begin again at 1, in streams and REST"),
    *_kinds(
        "request", None, 1.0,
        refuse_subscribe="SUBSCRIBE is answered with an error",
    ),
    *_kinds(
        "connect", 10.0, 1.0,
        connect_403="connections are answered 403",
        connect_418="connections are answered 418, with Retry-After",
        connect_429="connections are answered 429, with Retry-After",
        connect_451="connections are answered 451",
        connect_503="connections are answered 503",
    ),
    *_kinds(
        "rest", 10.0, 1.0,
        rest_429="requests are answered 429, with Retry-After",
        rest_418="requests are answered 418, with Retry-After",
        rest_500="requests are answered 500",
        rest_hang="requests are not answered until it ends, and then with 503",
        rest_truncated="answers end in the middle",
    ),
    *_kinds(
        "rows", 10.0, 1.0,
        rest_empty="pages of trades are empty",
        rest_holes="a third of the rows of a page is left out",
        rest_duplicates="rows of a page come twice",
        rest_reversed="pages of trades are the wrong way round",
        rest_shuffled="rows of a page are in no order",
        rest_wrong_symbol="another market's trades, or its prices under the true ids and times",
        rest_units="times of a page are in s, us or ns",
    ),
    *_kinds("clock", 30.0, 1.0, clock_skew="/time and event times are up to an hour off"),
]  # fmt: skip
KINDS = {kind.name: kind for kind in _ALL}


def kind_of(name: str) -> Kind:
    """Return the kind of a name; SettingsError, with the nearest name and the list, for others."""
    if name in KINDS:
        return KINDS[name]
    raise SettingsError(
        f"no fault is called {name!r}: {did_you_mean(name, KINDS)}There are {', '.join(KINDS)}"
    )


def described() -> str:
    """Return all kinds, one a line."""
    return "\n".join(f"{kind.name:<17} {kind.text}" for kind in _ALL)
