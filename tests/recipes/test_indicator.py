"""Whoever follows the page on indicators gets one of each kind, held to the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .following import follow, scratch_copy


def test_the_recipe_adds_talibs_by_a_line_and_ones_own_by_files(tmp_path: Path) -> None:
    copy = scratch_copy(tmp_path)
    printed = follow("indicator.md", copy)
    assert re.search(r"^1\d passed", printed, re.MULTILINE)
    computed, used = printed.splitlines()[-2:]
    assert {"linearreg_slope_14", "cmf_20", "trade_size_30", "illiquidity_30", "imbalance"} <= set(
        computed.split()
    )
    assert used.startswith("models use imbalance ")
    assert used.endswith(" natr_14 cmf_20 illiquidity_30")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("moves / rolling_sum", "np.nanmean(moves) / rolling_sum"),
        ("moves = sum_newest_first(reversed(self._moves))", "moves = sum(self._moves)"),
    ],
    ids=["looks ahead", "adds in another order"],
)
def test_a_file_whose_forms_disagree_is_found_out(tmp_path: Path, right: str, wrong: str) -> None:
    copy = scratch_copy(tmp_path)
    page = copy / "docs" / "recipes" / "indicator.md"
    until_the_contract, _ = page.read_text().split("It is chosen by its name")
    assert right in until_the_contract
    page.write_text(until_the_contract.replace(right, wrong))
    with pytest.raises(AssertionError, match=r"FAILED \S+/tests/test_own\.py"):
        follow("indicator.md", copy)
