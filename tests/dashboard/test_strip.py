"""The strip over the chart's time: where what is missing is shown, and in which words."""

import json
from collections.abc import Iterator

import pytest

from marketstream.messages import Gap, Stall

from .browser import Page, in_browser
from .live_markets import MARKETS, served

BTC, ETH = MARKETS
BAR_PX = 11  # a candle of 1 s
FREE_BARS = 7  # right of the newest candle, for a horizon of 1 s
SOON = 'document.querySelector("#faults-said").innerText'
QUIET = "Nothing is missing in the time shown."
BOX = (
    "(({ left, width }) => [left - %s, width])(document.querySelector(%r).getBoundingClientRect())"
)
PANE = "document.querySelector('#chart').getBoundingClientRect().left"
NEWEST = (
    "Date.parse(document.querySelector('#clock').innerText.slice(12, 31).replace(' ', 'T') + 'Z')"
)
AXIS = "document.querySelector('#chart table tr td:last-child').getBoundingClientRect().left"


def faults(now_us: int) -> list[Gap | Stall]:
    """Leave three trades out for ever, bring two after all, and be silent, all of BTC/USDT."""

    def ago(seconds: int) -> int:
        return now_us - seconds * 1_000_000

    return [
        Gap(BTC, 103, 106, ago(40), ago(35), "lost", "the exchange has none"),
        Gap(BTC, 203, 205, ago(30), ago(29), "repaired"),
        Stall(BTC, ago(25), "trades", ago(15), "zombie"),
    ]


@pytest.fixture
def address() -> Iterator[str]:
    """Serve a market of its own to each test: what is missing moves out of the time shown."""
    with served(minutes=2, faults=faults) as dashboard:
        yield dashboard.address


def words(kind: str) -> str:
    return f"document.querySelector('#faults .{kind}:not([hidden])')?.ariaLabel"


async def boxes(page: Page, *kinds: str) -> list[list[float]]:
    """Return where marks begin, from the chart's left edge, and how wide they are, at one moment.

    The chart goes on with each bar: looked at one after the other they may be a bar apart.
    """
    each = ", ".join(BOX % (PANE, f"#faults .{kind}") for kind in kinds)
    found: list[list[float]] = await page.evaluate(f"[{each}]")
    return found


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_gaps_stalls_and_incomplete_candles_are_where_they_happened(
    address: str, scheme: str
) -> None:
    async def look(page: Page) -> None:
        await page.look(width=1280, scheme=scheme)
        for kind in ("lost", "repaired", "stall", "incomplete"):
            await page.wait_for(words(kind))
        lost, repaired, stall, incomplete = await boxes(
            page, "lost", "repaired", "stall", "incomplete"
        )
        assert lost[1] == pytest.approx(5 * BAR_PX, abs=1)
        assert repaired[1] == pytest.approx(BAR_PX, abs=1)
        assert stall[1] == pytest.approx(10 * BAR_PX, abs=1)
        assert stall[0] - lost[0] == pytest.approx(15 * BAR_PX, abs=1)
        assert incomplete == pytest.approx(lost, abs=1)
        assert await page.evaluate("document.querySelectorAll('#faults-legend .mark').length") == 6
        assert await page.evaluate("!document.querySelector('#faults-legend').hidden")
        assert "lost gaps: 1, repaired gaps: 1, stalls: 1" in await page.text("#faults-said")

    in_browser(address, look)


@pytest.mark.browser
def test_a_mark_stands_on_the_candles_of_its_time(address: str) -> None:
    async def look(page: Page) -> None:
        said = await page.wait_for(words("stall"))
        began = said.removeprefix("Stall of trades, ")[:19].replace(" ", "T")
        expected = (
            f"{AXIS} - {PANE} - ({FREE_BARS} * {BAR_PX})"
            f" - ({NEWEST} - Date.parse('{began}Z')) / 1_000 * {BAR_PX}"
        )
        apart = f"{expected} - ({BOX % (PANE, '#faults .stall')})[0]"
        assert abs(await page.evaluate(apart)) <= 2 * BAR_PX

    in_browser(address, look)


@pytest.mark.browser
def test_pointing_at_a_mark_says_times_ids_how_many_and_why(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(words("lost"))
        left, width = await page.evaluate(BOX % (0, "#faults .lost"))
        top = await page.evaluate("document.querySelector('#faults').getBoundingClientRect().top")
        await page.call(
            "Input.dispatchMouseEvent", type="mouseMoved", x=left + width / 2, y=top + 4
        )
        await page.wait_for("!document.querySelector('#fault-words').hidden")
        said = await page.text("#fault-words")
        assert said.startswith("Gap, lost: 3 trades, ids 103 to 105, 20")
        assert said.endswith(" UTC: the exchange has none")
        await page.call("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
        await page.wait_for("document.querySelector('#fault-words').hidden")

    in_browser(address, look)


@pytest.mark.browser
def test_the_keyboard_goes_from_mark_to_mark_and_escape_hides_the_words(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(words("stall"))
        assert (
            await page.evaluate("document.querySelectorAll('#faults [tabindex=\"0\"]').length") == 1
        )
        await page.evaluate("document.querySelector('#now').focus()")
        focused = "document.activeElement.ariaLabel ?? ''"
        for _ in range(3):  # the chart has a link of its own
            await page.press("Tab")
            if await page.evaluate("document.activeElement.matches('#faults .mark')"):
                break
        await page.press("End")
        await page.wait_for(f"({focused}).startsWith('Stall of trades')")
        said = await page.text("#fault-words")
        assert said.endswith("(10\xa0s): the connection was dead and was given up")
        await page.press("ArrowLeft")
        await page.wait_for(f"({focused}).startsWith('Gap, repaired: 2 trades, ids 203 to 204')")
        await page.press("Escape")
        await page.wait_for("document.querySelector('#fault-words').hidden")

    in_browser(address, look)


@pytest.mark.browser
def test_of_a_market_that_lacks_nothing_no_strip_is_drawn_but_it_is_said(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(words("stall"))
        await page.evaluate("document.querySelectorAll('#markets button')[1].click()")
        await page.wait_for(f"{SOON} === {json.dumps(QUIET)}")
        assert await page.evaluate("document.querySelector('#faults').hidden")
        assert await page.evaluate("document.querySelector('#faults-legend').hidden")
        in_sight = "document.querySelectorAll('#faults .mark:not([hidden])').length"
        assert await page.evaluate(in_sight) == 0

    in_browser(address, look)


@pytest.mark.browser
def test_what_lasts_reaches_to_the_newest_candle() -> None:
    def lasting(now_us: int) -> list[Gap | Stall]:
        since_us = now_us - 20_000_000
        return [Gap(BTC, 103, 104, since_us, None), Stall(BTC, since_us, "quotes")]

    async def look(page: Page) -> None:
        assert "Stall of quotes, since 20" in await page.wait_for(words("stall"))
        assert "Gap, open: 1 trade, id 103, since 20" in await page.wait_for(words("open"))
        width = "document.querySelector('#faults .stall').offsetWidth"
        before = await page.evaluate(width)
        assert before >= 20 * BAR_PX
        await page.wait_for(f"{width} > {before}")

    with served(minutes=1, faults=lasting) as dashboard:
        in_browser(dashboard.address, look)


@pytest.mark.browser
def test_it_is_asked_for_once_not_with_every_candle(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(words("stall"))
        clock = "document.querySelector('#clock').innerText"
        for _ in range(3):
            before = await page.evaluate(clock)
            await page.wait_for(f"{clock} !== {json.dumps(before)}")
        asked = [url for url in page.requested() if "/integrity/" in url]
        assert len(asked) == 1
        assert "/integrity/simulator/BTC%2FUSDT?from=" in asked[0]

    in_browser(address, look)
