"""The kinds of faults of a soak: the simulated exchange's, by what they strike, and kills."""

from __future__ import annotations

from exchange_simulator.faults.kinds import KINDS as SIMULATED

KILLS = {
    "kill": "kill -9, and a new start",
    "kill_in_history": "kill -9, and again while the new start reads what it missed",
    "kill_in_repair": "a cut, and kill -9 while what it missed is fetched",
}
SKEWED = "own_clock_skew"  # comes with a kill
OWN = {**KILLS, SKEWED: "a new start whose own clock is up to 5 minutes off, to either side"}


def _at(*places: str) -> tuple[str, ...]:
    return tuple(kind.name for kind in SIMULATED.values() if kind.place in places)


OF_A_MARKET = _at("channel", "frame", "numbering", "rows")
CONNECTIONS = _at("connection")
REFUSALS = _at("connect", "request")  # which only who connects again meets
ANSWERS = _at("rest")  # which only who asks meets
CLOCKS = _at("clock")
ROWS = frozenset(_at("rows"))
FRAMES = frozenset(_at("frame"))
ASKED = ROWS | frozenset(ANSWERS)  # which nobody meets where trades are never asked for
KINDS = {**{kind.name: kind.text for kind in SIMULATED.values()}, **OWN}
