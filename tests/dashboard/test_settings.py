"""The dashboard's settings: colours, what is shown at first, alerts, in a browser."""

import json
from collections.abc import Iterator

import pytest

from .browser import Page, in_browser
from .live_markets import Served, served

PREDICTED = 'document.querySelector(".prediction .price")?.innerText'
OPEN = 'document.querySelector("#open-settings").click()'
IS_OPEN = 'document.querySelector("#settings").open'
CARD = "getComputedStyle(document.querySelector('.card')).backgroundColor"
DRAWN = "new Promise(drawn => requestAnimationFrame(() => drawn(true)))"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(22, 29, 39)"
RECORDED = """
  window.told = [];
  window.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      window.told.push(`${title}: ${options.body}`);
    }
  };
"""


@pytest.fixture(scope="module")
def dashboard() -> Iterator[Served]:
    with served(minutes=6) as dashboard:
        yield dashboard


def choose(selector: str, value: str) -> str:
    return f"""(() => {{
      const field = document.querySelector("{selector}");
      field.value = "{value}";
      field.dispatchEvent(new Event("change"));
    }})()"""


def tick(selector: str) -> str:
    return f"document.querySelector('{selector}').click()"


@pytest.mark.browser
def test_a_theme_that_is_chosen_holds_whatever_the_system_says(dashboard: Served) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        assert await page.evaluate(CARD) == LIGHT
        await page.look(width=1280, scheme="dark")
        await page.wait_for(f"{CARD} === '{DARK}'")
        await page.evaluate(OPEN)
        await page.evaluate(tick("[name=theme][value=light]"))
        assert await page.evaluate(CARD) == LIGHT
        await page.reloads_by("location.reload()")
        assert await page.evaluate(CARD) == LIGHT
        await page.wait_for(PREDICTED)
        assert max((await page.colours()).items(), key=lambda each: each[1])[0] == "#ffffff"
        await page.evaluate(OPEN)
        assert await page.evaluate("document.querySelector('[value=light]').checked")
        await page.evaluate(tick("[name=theme][value=system]"))
        assert await page.evaluate(CARD) == DARK

    in_browser(dashboard.address, look)


@pytest.mark.browser
def test_a_preferred_market_horizon_and_time_are_shown_unless_the_url_names_others(
    dashboard: Served,
) -> None:
    title = "document.querySelector('#chart-title').innerText"
    horizon = "document.querySelector('#horizons [aria-pressed=true]')?.innerText"

    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        await page.wait_for(DRAWN)
        wide = await page.width_of("#bd4b00")
        await page.evaluate(OPEN)
        offered = "[...document.querySelectorAll('#prefer-market option')].map((one) => one.text)"
        assert await page.evaluate(offered) == [
            "the first", "BTC/USDT on simulator", "ETH/USDT on simulator", "ETH/USDT on elsewhere",
        ]  # fmt: skip
        await page.evaluate(choose("#prefer-market", "simulator:ETH/USDT"))
        await page.evaluate(choose("#prefer-horizon", "5s"))
        await page.evaluate(choose("#prefer-candles", "300"))
        await page.reloads_by("location.search = ''")
        await page.wait_for(f"{title}.startsWith('ETH/USDT on simulator')")
        assert await page.evaluate(horizon) == "5\xa0s"
        await page.wait_for(DRAWN)
        assert 0 < await page.width_of("#bd4b00") < wide  # 300 candles leave less for each
        await page.reloads_by("location.search = '?market=simulator:BTC/USDT&horizon=2s'")
        await page.wait_for(f"{title}.startsWith('BTC/USDT')")
        assert await page.evaluate(horizon) == "2\xa0s"

    in_browser(dashboard.address, look)


@pytest.mark.browser
def test_alerts_tell_of_a_sure_direction_a_stall_and_a_gap_once_they_are_asked_for() -> None:
    with served(minutes=6) as dashboard:

        async def look(page: Page) -> None:
            await page.call("Browser.grantPermissions", permissions=["notifications"])
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=RECORDED)
            await page.reloads_by("location.reload()")
            await page.wait_for(PREDICTED)
            await page.wait_for("document.querySelector('#system').innerText.includes('missing')")
            await page.evaluate(OPEN)
            assert "as long as this page is open" in await page.text("#alerts-state")
            dashboard.markets.missing_trades = 1
            await page.wait_for(
                "document.querySelector('#system').innerText.includes('missing\\n1')"
            )
            assert await page.evaluate("window.told") == []  # nobody has asked for any
            await page.evaluate(choose("#prefer-confident", "51"))
            for occasion in ("confident", "stall", "gap"):
                await page.evaluate(tick(f"[name=alert][value={occasion}]"))
            dashboard.markets.missing_trades = 4
            await page.wait_for("window.told.some((one) => one.includes('3 trades are missing'))")
            sure = "window.told.filter((one) => one.includes('% of moves'))"
            await page.wait_for(f"{sure}.length")
            first = (await page.evaluate(sure))[0]
            assert first.startswith(("BTC/USDT ▲ up: ", "BTC/USDT ▼ down: "))
            assert "in 1\xa0s" in first
            dashboard.markets.stalled_ms = 1_500
            await page.wait_for(
                "window.told.some((one) => one.startsWith('simulator:BTC/USDT st'))"
            )
            dashboard.markets.stalled_ms = None
            await page.wait_for("window.told.some((one) => one.includes('goes on'))")
            directions = [one.split(":")[0] for one in await page.evaluate(sure)]
            assert len(directions) == len(set(directions))  # each once a minute

        in_browser(dashboard.address, look)


@pytest.mark.browser
def test_the_browser_is_asked_for_alerts_by_a_click_alone(dashboard: Served) -> None:
    asks = "Notification.requestPermission = () => { window.asked = 1; return Promise.resolve(); }"

    async def look(page: Page) -> None:
        state = {"name": "notifications"}
        await page.call("Browser.setPermission", permission=state, setting="prompt")
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=asks)
        await page.reloads_by("location.reload()")
        await page.wait_for(PREDICTED)
        await page.evaluate(OPEN)
        assert await page.evaluate("window.asked") is None
        await page.evaluate(tick("[name=alert][value=stall]"))
        assert await page.wait_for("window.asked")
        await page.call("Browser.setPermission", permission=state, setting="denied")
        await page.evaluate("document.querySelector('#settings').close()")
        await page.evaluate(OPEN)
        assert "forbids this page alerts" in await page.text("#alerts-state")
        assert await page.evaluate("document.querySelector('[value=stall]').disabled")

    in_browser(dashboard.address, look)


@pytest.mark.browser
def test_the_settings_are_opened_and_left_by_keyboard(dashboard: Served) -> None:
    focused = "document.activeElement.id"

    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        for _ in range(20):
            await page.press("Tab")
            if await page.evaluate(focused) == "open-settings":
                break
        await page.press("Enter")
        await page.wait_for(IS_OPEN)
        seen = set()
        for _ in range(14):
            await page.press("Tab")
            inside = "document.querySelector('#settings').contains(document.activeElement)"
            if await page.evaluate(inside):
                seen.add(await page.evaluate(f"{focused} || document.activeElement.value"))
        assert {"prefer-market", "prefer-horizon", "prefer-candles", "confident", "gap"} <= seen
        await page.press("Escape")
        await page.wait_for(f"!{IS_OPEN}")
        assert await page.evaluate(focused) == "open-settings"

    in_browser(dashboard.address, look)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark"), (360, "light")])
def test_the_settings_keep_nobody_out(dashboard: Served, width: int, scheme: str) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(PREDICTED)
        await page.evaluate(OPEN)
        assert await page.kept_out() == "[]"
        left, right = json.loads(
            await page.evaluate(
                """(({ left, right }) => JSON.stringify([left, right]))(
                  document.querySelector("#settings").getBoundingClientRect())"""
            )
        )
        assert left >= 0
        assert right <= width
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    in_browser(dashboard.address, look)


@pytest.mark.browser
def test_a_browser_that_keeps_nothing_shows_the_page_and_takes_settings_while_it_is_open(
    dashboard: Served,
) -> None:
    refusing = "".join(
        f"Object.defineProperty(window, '{kind}Storage', {{ get() {{ throw new Error('no'); }} }});"
        for kind in ("local", "session")
    )

    async def look(page: Page) -> None:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=refusing)
        await page.reloads_by("location.reload()")
        await page.wait_for(PREDICTED)
        await page.evaluate(OPEN)
        await page.evaluate(tick("[name=theme][value=dark]"))
        assert await page.evaluate(CARD) == DARK
        await page.evaluate("document.querySelector('#settings').close()")
        await page.evaluate(OPEN)
        assert await page.evaluate("document.querySelector('[name=theme][value=dark]').checked")

    in_browser(dashboard.address, look)
