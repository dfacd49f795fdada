"""Whether what is said comes, and what it would have earned, in a browser."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from .browser import Page, in_browser
from .live_markets import served

DRAWN = """[...document.querySelectorAll("#accuracy .reliability .dot")].map((dot) => {
  const { left, bottom, width, height } = dot.parentElement.getBoundingClientRect();
  const own = dot.getBoundingClientRect();
  return {
    said: ((own.left + own.right) / 2 - left) / width,
    came: (bottom - (own.top + own.bottom) / 2) / height,
    title: dot.title,
  };
})"""
FIGURES = "[...document.querySelectorAll('#accuracy .paper dd')].map((one) => one.innerText)"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(minutes=6) as dashboard:
        yield dashboard.address


def standing(address: str, horizon: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}scoreboard?horizon={horizon}") as answer:
        [told] = json.load(answer)["simulator:BTC/USDT"]
    return dict(told)


@pytest.mark.browser
def test_the_chosen_horizon_is_drawn_as_the_scoreboard_tells_it(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for("document.querySelectorAll('#horizons button').length === 4")
        for button, horizon in ((1, "1s"), (3, "5s")):
            await page.evaluate(
                f"document.querySelectorAll('#horizons button')[{button - 1}].click()"
            )
            title = f"As often as said, {horizon[:-1]}\u00a0s ahead"
            await page.wait_for(f"document.querySelector('#accuracy h3')?.innerText === '{title}'")
            drawn = await page.evaluate(DRAWN)
            told = standing(address, horizon)
            assert told["reliability"]
            assert len(drawn) == pytest.approx(len(told["reliability"]), abs=1)
            for dot in drawn:
                near = min(told["reliability"], key=lambda one: abs(one["said"] - dot["said"]))
                assert dot["said"] == pytest.approx(near["said"], abs=0.04)
                assert dot["came"] == pytest.approx(near["came"], abs=0.1)
                assert "came" in dot["title"]
            positions, gross, spread, net = await page.evaluate(FIGURES)
            assert int(positions.replace(",", "")) == pytest.approx(
                told["on_paper"]["positions"], abs=20
            )
            earned = [
                float(figure.removesuffix("\u00a0bp").replace("\u2212", "-"))
                for figure in (gross, spread, net)
            ]
            assert earned[1] < 0
            assert earned[0] + earned[1] == pytest.approx(earned[2], abs=0.011)

    in_browser(address, look)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_keeps_nobody_out(address: str, width: int, scheme: str) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for("!!document.querySelector('#accuracy .reliability .dot')")
        assert await page.kept_out() == "[]"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    in_browser(address, look)
