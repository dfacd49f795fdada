"""Files of trades, written and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from marketstream.readers import TradeTable, read_trades

type Read = Callable[..., TradeTable]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write each content into a file and read them all as trades."""

    def write_and_read(*contents: bytes, symbol: str | None = None) -> TradeTable:
        paths = []
        for number, content in enumerate(contents):
            paths.append(tmp_path / f"file{number}")
            paths[-1].write_bytes(content)
        return read_trades(paths, symbol=symbol)

    return write_and_read
