"""What is seen of the dashboard, live, in a browser."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Page, in_browser
from .live_markets import served

WEB = Path(__file__).parents[2] / "services" / "prediction-api" / "web"
PREDICTED = 'document.querySelector(".prediction .price")?.innerText'
ACCURACY = 'document.querySelectorAll(".score .interval").length >= 4'
DRAWN = {
    "light": {"up": "#00795a", "down": "#bd4b00", "prediction": "#1d4ed8", "card": "#ffffff"},
    "dark": {"up": "#2fc79a", "down": "#ff9152", "prediction": "#7ea6ff", "card": "#161d27"},
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(minutes=6) as dashboard:
        yield dashboard.address


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_candles_and_predictions_are_drawn(address: str, scheme: str, width: int) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(PREDICTED)
        await page.wait_for('document.querySelector("#feed-state").innerText === "live"')
        colours = await page.colours()
        wanted = DRAWN[scheme]
        assert max(colours, key=lambda colour: colours[colour]) == wanted["card"]
        for what in ("up", "down", "prediction"):
            assert colours.get(wanted[what], 0) > 50, f"no {what} in {wanted[what]} is drawn"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        attribution = 'a[href^="https://www.tradingview.com"]'
        assert await page.evaluate(f"document.querySelectorAll('{attribution}').length") == 2

    in_browser(address, look)


@pytest.mark.browser
def test_predictions_are_renewed_and_scored(address: str) -> None:
    async def look(page: Page) -> None:
        first = await page.wait_for(PREDICTED)
        await page.wait_for(f"{PREDICTED} !== {json.dumps(first)}")
        await page.wait_for(ACCURACY)
        accuracy = await page.text("#accuracy")
        assert accuracy.count("majority") == accuracy.count("imbalance sign") == 4
        assert "independent ones" in accuracy
        assert "skill" in accuracy
        system = await page.text("#system")
        assert "connected" in system
        assert "99th percentile" in system
        models = await page.text("#models")
        assert models.count("ago") == 4

    in_browser(address, look)


@pytest.mark.browser
def test_another_horizon_and_another_market_are_chosen_by_buttons(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        before = await page.colours()
        await page.evaluate("document.querySelectorAll('#horizons button')[3].click()")
        pressed = "document.querySelector('#horizons [aria-pressed=true]').innerText"
        assert await page.evaluate(pressed) == "10\xa0s"
        await page.wait_for("new Promise(drawn => requestAnimationFrame(() => drawn(true)))")
        assert await page.colours() != before
        await page.evaluate("document.querySelectorAll('#markets button')[1].click()")
        await page.wait_for("document.querySelector('#chart-title').innerText.startsWith('ETH')")
        await page.wait_for("document.title.startsWith('ETH/USDT')")
        chosen = "new URLSearchParams(location.search).get('market')"
        assert await page.evaluate(chosen) == "simulator:ETH/USDT"

    in_browser(address, look)


@pytest.mark.browser
def test_one_symbol_of_two_venues_is_two_markets(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        labels = "[...document.querySelectorAll('#markets button')].map(each => each.innerText)"
        assert await page.evaluate(labels) == [
            "BTC/USDT", "ETH/USDT simulator", "ETH/USDT elsewhere",
        ]  # fmt: skip
        await page.evaluate("document.querySelectorAll('#markets button')[2].click()")
        title = "document.querySelector('#chart-title').innerText"
        await page.wait_for(f"{title}.startsWith('ETH/USDT on elsewhere')")
        await page.wait_for("!document.querySelector('#warming-up').hidden")
        assert "nothing received yet" in await page.text("#warming-up-detail")
        assert "not connected" in await page.text("#system")

    in_browser(address, look)


@pytest.mark.browser
def test_warming_up_and_a_lost_server_are_told() -> None:
    async def look(page: Page) -> None:
        await page.wait_for("!document.querySelector('#warming-up').hidden")
        assert 0.4 < await page.evaluate("document.querySelector('progress').value") < 0.9
        assert "of market time seen" in await page.text("#warming-up-detail")
        assert (await page.text("#predictions")).count("waits for its first model") == 4
        assert (await page.text("#accuracy")).count("too little data") == 4
        await asyncio.to_thread(dashboard.stop)
        await page.wait_for("!document.querySelector('#notice').hidden")
        assert "What is shown is old" in await page.text("#notice")

    with served(minutes=1) as dashboard:
        in_browser(dashboard.address, look, may_complain_of="net::ERR_")


@pytest.mark.browser
def test_a_stalled_market_is_said_to_be_and_what_is_old_is_dimmed() -> None:
    async def look(page: Page) -> None:
        await page.wait_for(
            "document.querySelector('#feed-state').innerText.startsWith('stalled: silent')"
        )
        dimmed = "getComputedStyle(document.querySelector('.card.chart')).opacity"
        assert await page.evaluate(dimmed) == "0.5"
        badges = "[...document.querySelectorAll('#markets .stalled')].map(each => each.innerText)"
        assert await page.evaluate(badges) == ["BTC/USDT", "ETH/USDT simulator"]

    with served(minutes=1, stalled_ms=1_500) as dashboard:
        in_browser(dashboard.address, look)


def test_the_lock_names_no_registry_and_every_package_has_its_hash() -> None:
    lock = (WEB / "package-lock.json").read_text()
    assert "://" not in lock
    packages = json.loads(lock)["packages"]
    assert len(packages) > 3
    assert [name for name, about in packages.items() if name and "integrity" not in about] == []


@pytest.mark.browser
def test_the_routes_can_be_read_with_nothing_from_outside(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for("document.querySelectorAll('.opblock').length >= 20")
        assert "/predictions/{venue}/{symbol}" in await page.evaluate("document.body.innerText")

    in_browser(address, look, path="docs")
