"""Whoever follows the page on exchanges gets one that is found and held to the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from .following import follow, scratch_copy


def test_a_copied_template_is_a_venue_that_keeps_to_the_contract(tmp_path: Path) -> None:
    copy = scratch_copy(tmp_path)
    printed = follow("exchange.md", copy)
    assert "12 passed" in printed
    assert "wss://stream.example.com/ws" in printed
    assert '{"op":"subscribe","symbols":["BTC-USDT"]}' in printed

    stream = copy / "libs/exchanges/src/exchanges/acme/stream.py"
    stream.write_text(stream.read_text().replace("said.side", '"buy"'))
    with pytest.raises(AssertionError, match="the trade is TradeEvent"):
        follow("exchange.md", _without_the_copying(copy))


def _without_the_copying(copy: Path) -> Path:
    page = copy / "docs" / "recipes" / "exchange.md"
    page.write_text(
        "".join(
            line
            for line in page.read_text().splitlines(keepends=True)
            if not line.strip().startswith(("cp -r", "sed -i"))
        )
    )
    return copy
