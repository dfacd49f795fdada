"""Kinds of faults, and what each makes of a frame of the stream or an answer of the REST API."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

type Corruption = Callable[[str, random.Random], list[str]]
type RestCorruption = Callable[[list[dict[str, Any]]], bytes]

# What a connection is made to do, a stream to leave out, or an answer to be, without new content.
CONNECTIONS = {
    "cut": "the connection ends at once, and comes back after the fault",
    "close": "the connection is closed in the orderly way, again and again",
    "half_open": "the connection stays and nothing comes, no pongs either",
    "zombie": "pongs come, and nothing else",
    "stall": "only pongs come, and then all that was held back, at once",
    "silent_trades": "quotes come and no trades",
    "silent_quotes": "trades come and no quotes",
    "server_shutdown": "the exchange announces its end and closes",
    "connect_403": "connections are cut, and new ones answered 403",
    "connect_418": "connections are cut, and new ones answered 418 with Retry-After",
    "connect_429": "connections are cut, and new ones answered 429 with Retry-After",
    "connect_451": "connections are cut, and new ones answered 451",
    "connect_503": "connections are cut, and new ones answered 503",
}
STATUSES = {"rest_418": 418, "rest_429": 429, "rest_500": 500}
RETRY_AFTER_S = 1
_HUGE = 64 << 20  # bytes, more than any client should take


def _trade(frame: str, **changes: object) -> str:
    return json.dumps(json.loads(frame) | changes, separators=(",", ":"))


def _beside(change: Callable[[str, random.Random], str]) -> Corruption:
    """Give the corrupted copy beside the true frame, before or after it."""

    def corrupt(frame: str, draw: random.Random) -> list[str]:
        both = [frame, change(frame, draw)]
        return both if draw.random() < 0.5 else both[::-1]

    return corrupt


def _instead(change: Callable[[str, random.Random], str]) -> Corruption:
    return lambda frame, draw: [change(frame, draw)]


def _price(frame: str, draw: random.Random) -> str:
    return _trade(frame, p=draw.choice(("0", "-1.5", "NaN", "1e400", "99999999999")))


def _quantity(frame: str, draw: random.Random) -> str:
    return _trade(frame, q=draw.choice(("0", "-1.5", "NaN", "1e400")))


def _time(frame: str, draw: random.Random) -> str:
    off_ms = draw.choice((-1, 1)) * draw.choice((300, 7_200, 86_400, 2_000_000_000)) * 1_000
    time_ = json.loads(frame)["T"]
    return _trade(frame, T=time_ + off_ms * (1_000 if time_ > 10**14 else 1))


# Each replaces a frame of a trade by frames; one trade in twenty is meant for it.
CORRUPTIONS: dict[str, tuple[str, Corruption]] = {
    "duplicate": ("trades come twice", lambda frame, _: [frame, frame]),
    "drop": ("trades are left out", lambda _frame, _draw: []),
    "malformed": ("frames are no JSON", _instead(lambda frame, _: frame.replace(":", ";"))),
    "truncated": ("frames end in the middle", _instead(lambda frame, _: frame[: len(frame) // 2])),
    "huge": ("a frame of 64 MB comes", lambda frame, _: [frame, '"' + "x" * _HUGE + '"']),
    "wrong_symbol": ("a trade of a symbol nobody asked for", _beside(
        lambda frame, _: _trade(frame, s="DOGEUSDT"))),
    "absurd_price": ("prices of 0, below, NaN, beyond all bounds", _beside(_price)),
    "absurd_price_instead": ("the same, and the true trade never comes", _instead(_price)),
    "absurd_quantity": ("quantities of 0, below, NaN, beyond all bounds", _beside(_quantity)),
    "absurd_time": ("times minutes to decades off", _beside(_time)),
    "absurd_time_instead": ("the same, and the true trade never comes", _instead(_time)),
    "id_ahead": ("a trade with an id far ahead", _beside(
        lambda frame, _: _trade(frame, t=json.loads(frame)["t"] + 1_000_000))),
    "id_behind": ("a trade with an id far behind", _beside(
        lambda frame, _: _trade(frame, t=max(0, json.loads(frame)["t"] - 1_000_000)))),
}  # fmt: skip
ONCE = {"huge"}


def _rows(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> RestCorruption:
    return lambda rows: json.dumps(change(rows)).encode()


# Each replaces the rows of an answer with trades by the body that is sent.
ANSWERS: dict[str, tuple[str, RestCorruption]] = {
    "rest_empty": ("answers are empty", _rows(lambda _: [])),
    "rest_truncated": ("answers end in the middle", lambda rows: _cut_short(rows)),
    "rest_holes": ("rows are left out", _rows(lambda rows: [
        row for place, row in enumerate(rows) if place % 7 != 3])),
    "rest_duplicates": ("rows come twice", _rows(lambda rows: [
        row for row in rows for _ in range(2)])),
    "rest_reversed": ("rows come backwards", _rows(lambda rows: rows[::-1])),
    "rest_wrong_symbol": ("rows are of another market", _rows(lambda rows: [
        row | {"p": str(float(row["p"]) / 17), "a": row["a"]} for row in rows])),
    "rest_units": ("times are in nanoseconds", _rows(lambda rows: [
        row | {"T": row["T"] * 1_000_000} for row in rows])),
}  # fmt: skip

KILLS = {
    "kill": "kill -9, and a new start",
    "kill_in_history": "kill -9, and again while the new start reads the past",
    "kill_in_repair": "a cut, and kill -9 while what it missed is fetched",
}
REST = {
    "rest_hang": "answers never come",
    "rest_418": "answers are 418 with Retry-After",
    "rest_429": "answers are 429 with Retry-After",
    "rest_500": "answers are 500",
    **{kind: says for kind, (says, _) in ANSWERS.items()},
}
KINDS: dict[str, str] = {
    **CONNECTIONS,
    **{kind: says for kind, (says, _) in CORRUPTIONS.items()},
    **REST,
    **KILLS,
}


def _cut_short(rows: list[dict[str, Any]]) -> bytes:
    body = json.dumps(rows).encode()
    return body[: len(body) // 2]
