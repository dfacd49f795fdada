"""Indicators in panes of their own under the chart, chosen in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketstream.messages import Features
from marketstream.topics import FEATURES

from .browser import Page, in_browser
from .live_markets import served

OFFERED = "document.querySelector('#indicator')"
CHOSEN = "[...document.querySelectorAll('#indicators-chosen button')].map((one) => one.innerText)"
PANES = """[...document.querySelectorAll("#chart table tr")]
  .map((pane) => pane.querySelector("td:nth-child(2) canvas"))
  .filter((canvas) => canvas && canvas.getBoundingClientRect().height > 40)"""
DRAWN = f"""(() => {{
  const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
  const canvas = {PANES}.at(-1);
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
    .getContext("2d", {{ willReadFrequently: true }});
  copy.drawImage(canvas, 0, 0);
  const {{ data }} = copy.getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let i = 0; i < data.length; i += 4) {{
    const colour = [...data.slice(i, i + 3)].map((one) => one.toString(16).padStart(2, "0"));
    if (data[i + 3] === 255 && "#" + colour.join("") === accent) drawn += 1;
  }}
  return drawn;
}})()"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(minutes=6) as dashboard:

        def keep(message: Features, received_ns: int) -> None:
            del received_ns
            dashboard.store.write([message])

        dashboard.markets.pipeline.runner.tap(FEATURES, keep)
        yield dashboard.address


def choose(name: str) -> str:
    return f"{OFFERED}.value = '{name}'; {OFFERED}.dispatchEvent(new Event('change'))"


def asked(page: Page) -> list[str]:
    return [url for url in page.requested() if "/indicators/" in url and "name=" in url]


@pytest.mark.browser
def test_an_indicator_is_drawn_in_a_pane_of_its_own_and_goes_on_live(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{OFFERED}.options.length > 10 && {PANES}.length === 2", 40)
        height = "document.querySelector('#chart').clientHeight"
        before = await page.evaluate(height)
        await page.evaluate(choose("rsi_14"))
        await page.wait_for(f"{PANES}.length === 3 && {DRAWN} > 10")
        assert await page.evaluate(height) == before + 84
        assert await page.evaluate(CHOSEN) == ["rsi_14 \u00d7"]
        assert await page.evaluate("location.search.includes('indicators=rsi_14')")
        whole = len(asked(page))
        await page.wait_for("new Promise((resolve) => setTimeout(() => resolve(true), 2500))")
        later = asked(page)[whole:]
        assert later
        assert all("from=" in url for url in later), "only what is new is asked for"
        await page.evaluate("document.querySelector('#indicators-chosen button').click()")
        await page.wait_for(f"{PANES}.length === 2")
        assert await page.evaluate(height) == before
        assert await page.evaluate("!location.search.includes('indicators')")

    in_browser(address, look)


@pytest.mark.browser
def test_three_at_the_most_are_kept_in_the_url_and_what_there_is_not_is_left_out(
    address: str,
) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{CHOSEN}.length === 1 && {PANES}.length === 3 && {DRAWN} > 10", 40)
        for count, name in ((2, "imbalance"), (3, "spread")):
            await page.evaluate(choose(name))
            await page.wait_for(f"{CHOSEN}.length === {count} && {PANES}.length === {count + 2}")
        assert await page.evaluate(f"{OFFERED}.disabled")
        await page.wait_for(f"{DRAWN} > 10")
        await page.reloads_by("location.reload()")
        await page.wait_for(f"{CHOSEN}.length === 3 && {PANES}.length === 5 && {DRAWN} > 10", 40)

    in_browser(address, look, path="?indicators=rsi_14,nothing_of_this")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_panes_keep_nobody_out(address: str, width: int, scheme: str) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(f"{PANES}.length === 4 && {DRAWN} > 10", 40)
        assert await page.kept_out() == "[]"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    in_browser(address, look, path="?indicators=rsi_14,imbalance")
