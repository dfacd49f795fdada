"""The dashboard is as new as the market, and goes on after its server was started again."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack

import pytest

from .browser import Page, in_browser
from .frozen import frozen
from .live_markets import served

# How long after its close each candle was on the page, with what was said at it.
WATCH = """window.delays = [];
let last = "";
new MutationObserver(() => {
  const [prices, judged] = document.querySelectorAll("#readout > span");
  const time = prices?.firstElementChild?.textContent ?? "";
  if (time === last || !judged?.textContent.includes("outcome")) return;
  if (last) {
    const day = new Date().toISOString().slice(0, 11);
    window.delays.push(Date.now() - Date.parse(`${day}${time}Z`) - 1_000);
  }
  last = time;
}).observe(document.querySelector("#readout"), { childList: true, subtree: true }); 0"""
PRICES = "[...document.querySelectorAll('.prediction .price')].map((each) => each.innerText)"
SHOWN = f"{PRICES}.length === 4 && document.querySelector('#feed-state').innerText === 'live'"


@pytest.mark.browser
def test_a_candle_and_what_is_said_at_it_are_shown_within_a_second_of_its_close() -> None:
    async def look(page: Page) -> None:
        await page.wait_for("document.querySelector('.prediction .price') !== null", 60)
        await page.evaluate(WATCH)
        # A machine with much else to do may be late with some of them, not with all.
        await page.wait_for("window.delays.filter((ms) => ms < 1_000).length >= 5", 120)
        delays = json.loads(await page.evaluate("JSON.stringify(window.delays)"))
        assert min(delays) > -50, "by the clock that the market has too"

    with served(minutes=6) as dashboard:
        in_browser(dashboard.address, look)


@pytest.mark.browser
def test_how_long_each_part_of_the_way_takes_is_shown() -> None:
    rows = """JSON.stringify([...document.querySelectorAll("#hops tr")].map(
      (row) => [...row.children].map((cell) => cell.textContent.replaceAll("\\u00a0", " "))))"""

    async def look(page: Page) -> None:
        await page.wait_for("document.querySelectorAll('#hops tr').length === 4", 60)
        assert json.loads(await page.evaluate(rows)) == [
            ["Close to receipt", "346 ms", "347 ms"],
            ["Receipt to prediction", "3.10 ms", "3.10 ms"],
            ["Prediction to API", "390 µs", "570 µs"],
            ["Receipt to API", "3.49 ms", "3.67 ms"],
        ]
        assert await page.text("#hops-count") == "Of the newest 4 predictions."
        assert await page.kept_out() == "[]"

    with frozen() as address:
        in_browser(address, look)


@pytest.mark.browser
def test_the_page_goes_on_by_itself_once_its_server_was_started_again() -> None:
    async def look(page: Page) -> None:
        await page.wait_for(SHOWN, 60)
        said = await page.evaluate(PRICES)
        await page.evaluate("window.isTheSamePage = true; 0")
        await asyncio.to_thread(first.close)
        await page.wait_for("!document.querySelector('#notice').hidden", 60)
        assert "What is shown is old" in await page.text("#notice")
        await asyncio.to_thread(again.enter_context, frozen(port))
        await page.wait_for(f"document.querySelector('#notice').hidden && {SHOWN}", 60)
        assert await page.evaluate("window.isTheSamePage")
        assert await page.evaluate(PRICES) == said

    with ExitStack() as first, ExitStack() as again:
        address = first.enter_context(frozen())
        port = int(address.rstrip("/").rpartition(":")[2])
        in_browser(address, look, may_complain_of="net::ERR_")
