"""The features of the book, the flow and a leader that are measured: ten levels, many spans."""

from __future__ import annotations

from collections.abc import Sequence

type _Entry = str | dict[str, dict[str, int | float]]


def _entries(parameter: str, values: Sequence[float], *names: str) -> list[_Entry]:
    """Return entries of these indicators with each of the values."""
    return [{name: {parameter: value}} for name in names for value in values]


_AT = (1, 3, 5, 10)
LEVELS = max(_AT)
BOOK_AND_FLOW: tuple[_Entry, ...] = (
    *_entries("levels", _AT, "book_imbalance", "book_microprice", "book_slope"),
    *_entries("level", _AT, "book_ofi"),
    *_entries("levels", _AT, "book_ofi_integrated"),
    *_entries("levels", (LEVELS,), "book_spread"),
    "book_age", "quote_ofi", "quote_depletion",
    *_entries("seconds", (2, 5, 10, 30), "flow_share"),
    *_entries("seconds", (10, 30), "flow_pressure"),
    *_entries("seconds", (2, 5, 30), "fair_distance"),
    "flow_root_share", "flow_count", "trade_rate", "mid_volatility", "mid_autocorrelation",
    "mid_age", "vwap_distance", "vwap_session",
    *_entries("hours", (24, 168), "time_sine", "time_cosine"),
)  # fmt: skip
OF_A_LEADER: tuple[_Entry, ...] = (
    *_entries("seconds", (0.25, 1, 5), "leader_return", "leader_flow", "leader_basis_change"),
    "leader_imbalance", "leader_basis", "leader_age",
)  # fmt: skip
