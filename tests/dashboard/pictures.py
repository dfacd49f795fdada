"""Pictures of each view of the dashboard, stored small; `make pictures` takes them anew."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageChops

from .boxes import boxes
from .browser import Page, browser
from .frozen import BTC, ETH, SILENT, STALLED, frozen

PICTURES = Path(__file__).with_name("pictures")
SMALLER = 4  # a stored pixel is the mean of so many squared
FAR = 40  # of 255: so far apart in a channel are two colours that differ
SQUARE = 8  # stored pixels, which are 32 of the page
MOST = 0.2  # of a square may differ


class Look(NamedTuple):
    """How the page is looked at."""

    width: int
    scheme: str


LOOKS = {"light": Look(1280, "light"), "dark": Look(1280, "dark"), "phone": Look(390, "light")}


class View(NamedTuple):
    """What is looked at: a URL, what is there before, what is then done, and of what a picture.

    What is `pointed` at is pointed at before each picture: what is drawn under it may move.
    """

    query: str
    ready: str
    act: str = ""
    done: str = "true"
    of: str = "body"
    pointed: str = ""


_ALL_THERE = """document.querySelectorAll("#ledger-rows button").length
  && document.querySelectorAll("#how-far-rows tr").length === 3
  && document.querySelectorAll("#accuracy-over-time .dot").length
  && document.querySelectorAll("#all-markets .said").length >= 12
  && document.querySelectorAll("#accuracy .interval").length >= 4
  && document.querySelectorAll("#hops tr").length === 4
  && document.querySelector("#faults .lost")"""
_STATUS = "!document.querySelector('#feed-state').innerText.startsWith('loading')"
_POINT = """(() => {
  const { left, top, width } = document.querySelector("#chart").getBoundingClientRect();
  const there = { clientX: left + 0.4 * width, clientY: top + 60, bubbles: true };
  const canvas = document.querySelectorAll("#chart canvas")[1];
  for (const kind of ["mouseenter", "mousemove"]) canvas.dispatchEvent(new MouseEvent(kind, there));
})()"""
VIEWS = {
    "page": View("", _ALL_THERE),
    "panes": View(
        "?indicators=rsi_14,imbalance&horizon=2s",
        f"{_ALL_THERE} && document.querySelectorAll('#indicators-chosen button').length === 2",
        done="!document.querySelector('#readout').innerText.includes('11:59:59')",
        of="#chart-card",
        pointed=_POINT,
    ),
    "beside": View(
        f"?market={BTC}&beside={ETH}",
        f"{_ALL_THERE} && document.querySelectorAll('main.two .score .interval').length >= 8",
    ),
    "why": View(
        "",
        _ALL_THERE,
        "document.querySelectorAll('#ledger-rows button')[2].click()",
        "document.querySelectorAll('#why .terms li').length > 4",
        "#why",
    ),
    "settings": View(
        "", _ALL_THERE, "document.querySelector('#open-settings').click()",
        "document.querySelector('#settings').open", "#settings",
    ),
    "tour": View(
        "", _ALL_THERE, "document.querySelector('#start-tour').click()",
        "document.querySelector('#tour').open", "window",
    ),
    "stalled": View(f"?market={STALLED}", f"{_ALL_THERE.rsplit('&&', 1)[0]} && {_STATUS}",
                    of="window"),
    "warming-up": View(f"?market={SILENT}",
                       "document.querySelector('#warming-up').checkVisibility()", of="window"),
}  # fmt: skip


@asynccontextmanager
async def looking(look: Look) -> AsyncIterator[Page]:
    """Open a browser that writes in boxes and moves nothing."""
    async with browser() as page:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=boxes())
        await page.call("Emulation.setScrollbarsHidden", hidden=True)
        await page.look(width=look.width, scheme=look.scheme)
        features = [
            {"name": "prefers-color-scheme", "value": look.scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        await page.call("Emulation.setEmulatedMedia", features=features)
        yield page


async def show(page: Page, address: str, view: View) -> None:
    """Have the page show a view."""
    await page.call("Page.navigate", url="about:blank")
    await page.wait_for("location.href === 'about:blank'")
    await page.call("Page.navigate", url=f"{address}{view.query}")
    await page.wait_for("location.port && document.readyState === 'complete'", 60)
    await page.wait_for(f"Boolean({view.ready})", 60)
    if view.act:
        await page.evaluate(f"{view.act}; 0")
    # Whoever points before a chart is drawn whole points at nothing.
    await page.wait_for(f"{view.pointed}, {view.done}" if view.pointed else view.done)


async def take(page: Page, of: str) -> Image.Image:
    """Take a small picture of an element, or of the window."""
    drawn = "new Promise((drawn) => requestAnimationFrame(() => setTimeout(() => drawn(true))))"
    await page.evaluate(drawn)
    part = {}
    if of != "window":
        part = await page.evaluate(
            f"""(() => {{
              const element = document.querySelector("{of}");
              const {{ x, y, width, height }} = element.getBoundingClientRect();
              const clip = {{ x: x + scrollX, y: y + scrollY, width, height, scale: 1 }};
              return {{ clip, captureBeyondViewport: true }};
            }})()"""
        )
    shot = await page.call("Page.captureScreenshot", format="png", **part)
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    return picture.reduce(SMALLER)


async def settled(page: Page, of: str) -> Image.Image:
    """Take pictures until nothing changes from one to the next."""
    last = await take(page, of)
    for _ in range(20):
        await asyncio.sleep(0.5)
        picture = await take(page, of)
        if picture == last:
            break
        last = picture
    return last


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return which share of a square differs, of the one that differs most; 1 for other sizes."""
    if one.size != other.size:
        return 1.0
    bands = ImageChops.difference(one, other).split()
    largest = bands[0]
    for band in bands[1:]:
        largest = ImageChops.lighter(largest, band)
    differs = largest.point([0] * FAR + [255] * (256 - FAR))
    width, height = differs.size
    shares = [
        differs.crop((left, top, left + SQUARE, top + SQUARE)).histogram()[255] / SQUARE**2
        for left in range(0, width, SQUARE)
        for top in range(0, height, SQUARE)
    ]
    return max(shares)


def stored(view: str, look: str) -> Image.Image:
    """Return the stored picture of a view."""
    with Image.open(_path(view, look)) as picture:
        return picture.convert("RGB")


def store(picture: Image.Image, view: str, look: str) -> None:
    """Store a picture of a view."""
    picture.save(_path(view, look), optimize=True)


def _path(view: str, look: str) -> Path:
    return PICTURES / f"{view}-{look}.png"


async def take_anew(address: str) -> None:
    """Take all pictures anew."""
    PICTURES.mkdir(exist_ok=True)
    for look_name, look in LOOKS.items():
        for name, view in VIEWS.items():
            async with looking(look) as page:
                await show(page, address, view)
                store(await settled(page, view.of), name, look_name)


if __name__ == "__main__":
    with frozen() as served_at:
        asyncio.run(take_anew(served_at))
    size = sum(path.stat().st_size for path in PICTURES.glob("*.png"))
    print(f"{len(VIEWS) * len(LOOKS)} pictures in {PICTURES}, {size:,} bytes")  # noqa: T201
