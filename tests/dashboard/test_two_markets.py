"""Two markets side by side on the dashboard, in a browser."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from .browser import Page, in_browser, until
from .live_markets import served

BOTH = "?market=simulator:BTC/USDT&beside=simulator:ETH/USDT"
FIRST = "document.querySelector('#chart-title').innerText"
SECOND = "document.querySelector('#beside-chart-title')?.innerText"
PREDICTED = "document.querySelector('#beside-predictions .price')?.innerText"
IN_URL = "new URLSearchParams(location.search).get('beside')"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(minutes=6) as dashboard:
        yield dashboard.address


def choose(market: str) -> str:
    return f"""(() => {{
      const field = document.querySelector("#beside");
      field.value = "{market}";
      field.dispatchEvent(new Event("change"));
    }})()"""


@pytest.mark.browser
def test_a_second_market_is_chosen_shown_live_and_kept_in_the_url(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{FIRST}.startsWith('BTC')")
        assert await page.evaluate(SECOND) is None
        await page.evaluate(choose("simulator:ETH/USDT"))
        await page.wait_for(f"{SECOND}?.startsWith('ETH/USDT on simulator')")
        assert await page.evaluate(IN_URL) == "simulator:ETH/USDT"
        first = await page.wait_for(PREDICTED)
        assert 1_000 < float(first.replace(",", "")) < 10_000  # its own price
        await page.wait_for(f"{PREDICTED} !== {json.dumps(first)}")
        await page.wait_for("document.querySelectorAll('#beside-accuracy .interval').length >= 4")
        whose = [await page.text(f"#{prefix}predictions-whose") for prefix in ("", "beside-")]
        assert whose == ["BTC/USDT on simulator", "ETH/USDT on simulator"]
        await page.wait_for(
            "document.querySelector('#beside-chart-card .pill').innerText === 'live'"
        )
        await page.evaluate(choose(""))
        assert await page.evaluate(SECOND) is None
        assert await page.evaluate(IN_URL) is None
        assert await page.text("#predictions-whose") == ""

    in_browser(address, look)


@pytest.mark.browser
def test_the_url_brings_both_and_one_horizon_is_of_both(address: str) -> None:
    drawn = """[...document.querySelectorAll('#beside-chart table canvas')]
      .map((canvas) => canvas.toDataURL()).join()"""

    async def look(page: Page) -> None:
        await page.wait_for(
            f"{PREDICTED} && {FIRST}.startsWith('BTC') && {SECOND}.startsWith('ETH')"
        )
        left, right = await page.evaluate(
            """["#chart", "#beside-chart"].map(
              (id) => document.querySelector(id).getBoundingClientRect().left)"""
        )
        assert right - left > 500
        before = await page.evaluate(drawn)
        await page.evaluate("document.querySelectorAll('#horizons button')[3].click()")
        await page.evaluate("document.querySelectorAll('#ranges button')[1].click()")
        await page.wait_for("new Promise(drawn => requestAnimationFrame(() => drawn(true)))")
        assert await page.evaluate(drawn) != before
        assert await page.evaluate(IN_URL) == "simulator:ETH/USDT"
        # The market beside becomes the first: the two change places.
        await page.evaluate("document.querySelectorAll('#markets button')[1].click()")
        await page.wait_for(f"{FIRST}.startsWith('ETH') && {SECOND}.startsWith('BTC')")
        assert await page.evaluate(IN_URL) == "simulator:BTC/USDT"
        assert (
            await page.evaluate("document.querySelector('#beside').value") == "simulator:BTC/USDT"
        )

    in_browser(address, look, path=BOTH)


@pytest.mark.browser
def test_both_markets_share_one_stream_and_a_tab_that_nobody_sees_has_none(address: str) -> None:
    pill = "document.querySelector('#beside-chart-card .pill').innerText"

    def streams(page: Page) -> list[str]:
        """Return what is open."""
        opened = {
            said["requestId"]: said["request"]["url"].removeprefix(address)
            for method, said in page.events
            if method == "Network.requestWillBeSent" and "/stream/" in said["request"]["url"]
        }
        for method, said in page.events:
            if method in ("Network.loadingFinished", "Network.loadingFailed"):
                opened.pop(said["requestId"], None)
        return list(opened.values())

    async def turns(page: Page, *, hidden: bool) -> None:
        await page.evaluate(
            f"""Object.defineProperty(document, "hidden",
                  {{ configurable: true, get: () => {str(hidden).lower()} }});
                document.dispatchEvent(new Event("visibilitychange"))"""
        )

    async def look(page: Page) -> None:
        await page.wait_for(f"{PREDICTED} && {pill} === 'live'")
        both = "stream/simulator/BTC-USDT?beside=simulator%3AETH%2FUSDT"
        assert streams(page) == [both]
        await page.evaluate("document.querySelectorAll('#markets button')[1].click()")
        await page.wait_for(f"{FIRST}.startsWith('ETH') && {SECOND}.startsWith('BTC')")
        swapped = "stream/simulator/ETH-USDT?beside=simulator%3ABTC%2FUSDT"
        assert streams(page) == [swapped]
        await turns(page, hidden=True)
        await until(lambda: not streams(page))
        old = await page.text("#predictions .price")
        await turns(page, hidden=False)
        await page.wait_for(
            f"document.querySelector('#predictions .price').innerText !== {json.dumps(old)}"
        )
        assert streams(page) == [swapped]
        assert await page.evaluate("document.querySelector('#notice').hidden")
        await page.evaluate(choose(""))
        await until(lambda: streams(page) == ["stream/simulator/ETH-USDT"])
        # Whoever has asked for alerts is told while another tab is looked at.
        alerting = '{"alerts": {"stall": true}}'
        await page.evaluate(f"localStorage.setItem('preferences', '{alerting}')")
        await turns(page, hidden=True)
        await asyncio.sleep(4)
        assert streams(page) == ["stream/simulator/ETH-USDT"]

    in_browser(address, look, path=BOTH)


@pytest.mark.browser
def test_what_was_still_to_be_drawn_of_a_market_beside_is_not_drawn_of_the_next(
    address: str,
) -> None:
    pill = "document.querySelector('#beside-chart-card .pill').innerText"

    async def look(page: Page) -> None:
        await page.wait_for(f"{PREDICTED} && {pill} === 'live'")
        await page.evaluate(
            """(() => {
              window.held = new Map();
              window.requestAnimationFrame = (draw) => {
                window.held.set(held.size + 1, draw);
                return held.size;
              };
              window.cancelAnimationFrame = (number) => window.held.delete(number);
            })()"""
        )
        await asyncio.sleep(3)  # news of the market come, and wait to be drawn
        before = await page.evaluate("window.held.size")
        assert before > 0
        await page.evaluate(
            f"""(() => {{
              {choose("elsewhere:ETH/USDT")};
              for (const draw of [...window.held.values()]) draw(performance.now());
            }})()"""
        )
        assert await page.evaluate(pill) == "loading"

    in_browser(address, look, path=BOTH)


@pytest.mark.browser
def test_a_market_beside_of_which_nothing_comes_says_so(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{SECOND}?.startsWith('ETH/USDT on elsewhere')")
        await page.wait_for(
            "document.querySelector('#beside-chart-card .pill').innerText[0] === 'w'"
        )
        assert (await page.text("#beside-predictions")).count("waits for its first model") == 4
        assert await page.text("#feed-state") == "live"

    in_browser(address, look, path="?beside=elsewhere:ETH/USDT")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark"), (360, "light")])
def test_two_markets_keep_nobody_out(address: str, width: int, scheme: str) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(PREDICTED)
        await page.wait_for("document.querySelectorAll('#beside-accuracy .interval').length >= 4")
        assert await page.kept_out() == "[]"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        tops = await page.evaluate(
            """["predictions", "beside-predictions", "chart"].map(
              (id) => document.querySelector(`#${id}`).getBoundingClientRect().top)"""
        )
        if width == 360:
            assert tops == sorted(tops)
        else:
            assert tops[0] == tops[1]

    in_browser(address, look, path=BOTH)


@pytest.mark.browser
def test_a_lost_server_makes_both_look_old() -> None:
    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        await asyncio.to_thread(dashboard.stop)
        await page.wait_for("!document.querySelector('#notice').hidden")
        await page.wait_for("document.querySelector('#beside-chart-card').matches('.old')")
        assert "reconnecting" in await page.text("#beside-chart-card .pill")

    with served(minutes=6) as dashboard:
        in_browser(dashboard.address, look, path=BOTH, may_complain_of="net::ERR_")
