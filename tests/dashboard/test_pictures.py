"""Each view of the dashboard beside a stored picture of it, in light, dark and on a phone.

Letters are boxes, so that fonts do not matter. A square of 32 pixels may differ in 20 % of its
area; what is meant to be otherwise is stored by `make pictures`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageFilter

from .browser import Page
from .frozen import frozen
from .pictures import LOOKS, MOST, PICTURES, VIEWS, difference, looking, show, stored, take

SECONDS = 30  # for what is drawn last, where the machine has much else to do
NUDGED = """document.adoptedStyleSheets.push((() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("RULE");
  return sheet;
})()); 0"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with frozen() as served_at:
        yield served_at


async def looks_like(page: Page, of: str, wanted: Image.Image, pointed: str = "") -> None:
    """Wait until a picture is as it is to be."""
    deadline = time.monotonic() + SECONDS
    while (worst := difference(await take(page, of), wanted)) > MOST:
        assert time.monotonic() < deadline, (
            f"{worst:.0%} of a square differs; where that is meant: make pictures"
        )
        await asyncio.sleep(0.2)
        if pointed:
            await page.evaluate(f"{pointed}; 0")


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_looks_as_it_did(address: str, view: str, look: str) -> None:
    async def compare() -> None:
        async with looking(LOOKS[look]) as page:
            await show(page, address, VIEWS[view])
            await looks_like(page, VIEWS[view].of, stored(view, look), VIEWS[view].pointed)
            assert not page.complaints()

    asyncio.run(compare())


@pytest.mark.browser
@pytest.mark.parametrize(
    "rule",
    [
        "#system-card { position: relative; left: 8px }",
        "#how-far-card { margin-top: 8px }",
        "#now { visibility: hidden }",
        ":root { --up: #bd4b00 !important }",
    ],
)
def test_what_is_moved_gone_or_of_another_colour_is_seen(address: str, rule: str) -> None:
    async def compare() -> None:
        wanted = stored("page", "light")
        async with looking(LOOKS["light"]) as page:
            await show(page, address, VIEWS["page"])
            await looks_like(page, "body", wanted)
            await page.evaluate(NUDGED.replace("RULE", rule))
            assert difference(await take(page, "body"), wanted) > MOST

    asyncio.run(compare())


@pytest.mark.parametrize("look", LOOKS)
def test_other_smoothing_and_hues_are_no_difference_but_a_shift_is_one(look: str) -> None:
    picture = stored("page", look)
    assert difference(picture.filter(ImageFilter.GaussianBlur(0.4)), picture) <= MOST
    assert difference(picture.point([min(255, each + 15) for each in range(256)] * 3), picture) == 0
    assert difference(ImageChops.offset(picture, 2, 0), picture) > MOST
    assert difference(ImageChops.offset(picture, 0, 2), picture) > MOST
    assert difference(picture.crop((0, 0, picture.width, picture.height - 1)), picture) == 1


def test_there_is_a_picture_of_each_view_and_all_are_small() -> None:
    wanted = {f"{view}-{look}.png" for view in VIEWS for look in LOOKS}
    assert {path.name for path in PICTURES.iterdir()} == wanted
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1_000_000
    for path in PICTURES.iterdir():
        with Image.open(path) as picture:
            assert picture.width <= 320
