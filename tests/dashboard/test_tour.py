"""The dashboard's tour for who is new, in a browser."""

from collections.abc import Iterator

import pytest

from .browser import Page, in_browser
from .live_markets import served

OFFERED = "!document.querySelector('#tour-offer').hidden"
ON = "document.querySelector('#tour').open"
COUNT = "document.querySelector('#tour-count').innerText"
POINTED = "[...document.querySelectorAll('.toured')].map((card) => card.id).join()"
FOCUSED = "document.activeElement.id"
CARDS = ["predictions-card", "chart-card", "accuracy-card", "system-card"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(minutes=6) as dashboard:
        yield dashboard.address


def click(name: str) -> str:
    return f"document.querySelector('#{name}').click()"


@pytest.mark.browser
def test_the_tour_is_offered_once_and_begins_by_a_button_ever_after(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(OFFERED)
        assert not await page.evaluate(ON)
        await page.evaluate(click("decline-tour"))
        assert not await page.evaluate(OFFERED)
        assert await page.evaluate(FOCUSED) == "start-tour"
        await page.reloads_by("location.reload()")
        await page.wait_for("!document.querySelector('#start-tour').hidden")
        assert not await page.evaluate(OFFERED)
        await page.evaluate(click("start-tour"))
        assert await page.evaluate(ON)

    in_browser(address, look)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 360])
def test_the_tour_points_at_each_part_and_is_read_in_twenty_seconds(
    address: str, width: int
) -> None:
    words = "document.querySelector('#tour [aria-live]').innerText"
    seen = """(() => {
      const card = document.querySelector(".toured").getBoundingClientRect();
      const words = document.querySelector("#tour").getBoundingClientRect();
      return card.top >= 0 && card.top < words.top && words.bottom <= innerHeight
        && words.left >= 0 && words.right <= innerWidth;
    })()"""

    async def look(page: Page) -> None:
        await page.look(width=width, scheme="light")
        await page.wait_for(OFFERED)
        await page.evaluate(click("take-tour"))
        assert not await page.evaluate(OFFERED)
        told = 0
        for number, card in enumerate(CARDS, 1):
            assert await page.evaluate(COUNT) == f"{number} of 4"
            assert await page.evaluate(POINTED) == card
            await page.wait_for(seen)
            told += len((await page.text("#tour-text")).split())
            assert await page.evaluate(words)
            assert await page.evaluate("document.querySelector('#tour-back').disabled") == (
                number == 1
            )
            await page.evaluate(click("tour-next"))
        assert told <= 80
        assert not await page.evaluate(ON)
        await page.wait_for(f"{POINTED} === ''")

    in_browser(address, look)


@pytest.mark.browser
def test_the_tour_is_taken_and_left_by_keyboard(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(OFFERED)
        await page.evaluate("document.querySelector('#take-tour').focus()")
        await page.press("Enter")
        await page.wait_for(ON)
        assert await page.evaluate(FOCUSED) == "tour-next"
        for key, count in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("Enter", 3)):
            await page.press(key)
            await page.wait_for(f"{COUNT} === '{count} of 4'")
        for _ in range(5):
            await page.press("Tab")
            assert await page.evaluate(f"!{FOCUSED} || {FOCUSED}.startsWith('tour-')")
        await page.press("Escape")
        await page.wait_for(f"!{ON} && {POINTED} === ''")
        assert await page.evaluate(FOCUSED) == "start-tour"

    in_browser(address, look)


@pytest.mark.browser
def test_who_prefers_less_motion_sees_no_scrolling(address: str) -> None:
    asked = """(() => {
      window.asked = [];
      const scroll = Element.prototype.scrollIntoView;
      Element.prototype.scrollIntoView = function (options) {
        window.asked.push(options.behavior);
        scroll.call(this, options);
      };
    })()"""

    async def look(page: Page) -> None:
        await page.wait_for(OFFERED)
        await page.evaluate(asked)
        await page.evaluate(click("take-tour"))
        features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        await page.call("Emulation.setEmulatedMedia", features=features)
        await page.evaluate(click("tour-next"))
        assert await page.evaluate("window.asked") == ["smooth", "instant"]

    in_browser(address, look)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "dark"), (360, "light")])
def test_the_offer_and_the_tour_keep_nobody_out(address: str, width: int, scheme: str) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(OFFERED)
        assert await page.kept_out() == "[]"
        await page.evaluate(click("take-tour"))
        for _ in CARDS:
            assert await page.kept_out() == "[]"
            await page.evaluate(click("tour-next"))
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    in_browser(address, look)
