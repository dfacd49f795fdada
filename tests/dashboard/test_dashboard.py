"""What is seen of the dashboard, live, in a browser."""

import asyncio
import json
import time
from collections.abc import Iterator

import msgspec
import pytest

from marketstream.messages import (
    Model,
    MoveForecast,
    MoveOutcome,
    Outcome,
)

from .browser import WEB, Page, in_browser
from .live_markets import MARKETS, served

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
@pytest.mark.parametrize(("low", "high"), [(0.28, 0.79), (0.251, 0.796), (0.48, 0.52), (0, 1)])
def test_the_axis_of_accuracy_ends_with_its_last_line_and_has_the_coin(
    address: str, low: float, high: float
) -> None:
    scored = f"""const parse = JSON.parse;
      JSON.parse = (text) => {{
        const told = parse(text);
        for (const {{ score }} of told?.horizons ?? []) {{
          if (score) Object.assign(score, {{ accuracy: 0.5, low: {low}, high: {high} }});
        }}
        return told;
      }}"""

    async def look(page: Page) -> None:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=scored)
        await page.reloads_by("location.reload()")
        await page.wait_for(ACCURACY)
        lefts = json.loads(
            await page.evaluate(
                """JSON.stringify([...document.querySelectorAll('#accuracy .strip')].map((strip) =>
                  [...strip.querySelectorAll('.scale')].map((line) => line.style.left)))"""
            )
        )
        for strip in filter(None, lefts):
            assert (strip[0], strip[-1]) == ("0%", "100%")
        coins = "document.querySelectorAll('#accuracy .score > .strip .coin').length"
        assert await page.evaluate(coins) == 4

    in_browser(address, look)


@pytest.mark.browser
def test_the_headline_says_what_the_probabilities_say(address: str) -> None:
    cards = """JSON.stringify([...document.querySelectorAll(".prediction")].map((card) => [
      card.querySelector(".said").innerText,
      ...[...card.querySelectorAll(".shares i")].map((part) => Number(part.style.flexGrow)),
    ]))"""

    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        for said, up, flat, down in json.loads(await page.evaluate(cards)):
            word = said[2:]
            if word == "abstains":
                continue
            lean = up / (up + down)
            if flat > max(up, down):
                assert word == "no move"
            elif abs(lean - 0.5) < 0.05:
                assert word == "toss-up"
            else:
                assert word == ("up" if up > down else "down")

    in_browser(address, look)


@pytest.mark.browser
def test_pointing_at_a_candle_tells_its_prices_volume_and_what_was_said(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        newest = await page.wait_for("document.querySelector('#readout').innerText")
        for name in ("open", "high", "low", "close", "volume", "said"):
            assert name in newest
        box = json.loads(
            await page.evaluate(
                "JSON.stringify(document.querySelector('#chart').getBoundingClientRect())"
            )
        )
        await page.call(
            "Input.dispatchMouseEvent", type="mouseMoved",
            x=box["x"] + 0.4 * box["width"], y=box["y"] + 0.3 * box["height"],
        )  # fmt: skip
        time_of = "document.querySelector('#readout span').innerText"
        await page.wait_for(f"{time_of} < {json.dumps(newest[:8])}")
        pointed = await page.text("#readout")
        assert "outcome" in pointed
        assert "not known yet" not in pointed

    in_browser(address, look)


@pytest.mark.browser
def test_a_row_is_amber_where_a_reference_is_better(address: str) -> None:
    rows = """JSON.stringify([...document.querySelectorAll(".score:not(.axis-line)")].map((row) => [
      row.classList.contains("behind"),
      row.querySelector(".skill").innerText,
      parseFloat(row.querySelector(".accuracy").style.left),
      ...[...row.querySelectorAll(".reference")].map((mark) => parseFloat(mark.style.left)),
    ]))"""

    async def look(page: Page) -> None:
        await page.wait_for(ACCURACY)
        for behind, said, own, *references in json.loads(await page.evaluate(rows)):
            assert len(references) == 4  # with the learner, which is heard like them
            proven = "is better" in said
            assert behind == (proven or max(references) > own)
            assert behind == (proven or "is ahead" in said)

    in_browser(address, look)


@pytest.mark.browser
def test_all_markets_are_seen_at_a_glance_searched_and_chosen(address: str) -> None:
    seen = """[...document.querySelectorAll('#all-markets tr')]
      .filter((row) => !row.hidden).map((row) => row.innerText)"""
    search = """((text) => {
      const field = document.querySelector('#search');
      field.value = text;
      field.dispatchEvent(new Event('input'));
    })"""

    async def look(page: Page) -> None:
        await page.wait_for("document.querySelectorAll('#all-markets .said').length >= 8")
        btc, eth, elsewhere = await page.evaluate(seen)
        assert "BTC/USDT on simulator" in btc
        assert "live" in eth
        assert "no prediction yet" in elsewhere
        await page.evaluate(f"{search}('eth')")
        assert len(await page.evaluate(seen)) == 2
        await page.evaluate(f"{search}('doge')")
        assert await page.evaluate(seen) == []
        assert await page.text("#none-found") == "No market is called so."
        await page.evaluate(f"{search}('')")
        await page.evaluate("document.querySelectorAll('#all-markets button')[1].click()")
        await page.wait_for("document.querySelector('#chart-title').innerText.startsWith('ETH')")
        pressed = "document.querySelector('#markets [aria-pressed=true]').innerText"
        assert await page.evaluate(pressed) == "ETH/USDT simulator"

    in_browser(address, look)


@pytest.mark.browser
def test_a_longer_time_is_shown_by_a_button(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        labels = "[...document.querySelectorAll('#ranges button')].map(each => each.innerText)"
        assert await page.evaluate(labels) == ["60\xa0s", "5\xa0min", "15\xa0min"]
        before = await page.colours()
        await page.evaluate("document.querySelectorAll('#ranges button')[1].click()")
        await page.wait_for("new Promise(drawn => requestAnimationFrame(() => drawn(true)))")
        assert await page.colours() != before

    in_browser(address, look)


@pytest.mark.browser
def test_on_a_phone_predictions_come_first_and_help_is_a_touch_away(address: str) -> None:
    top = "document.querySelector('#{}').getBoundingClientRect().top"

    async def look(page: Page) -> None:
        await page.wait_for(PREDICTED)
        await page.look(width=400, scheme="light")
        assert await page.evaluate(f"{top.format('predictions')} < {top.format('chart')}")
        await page.look(width=1280, scheme="light")
        assert await page.evaluate(f"{top.format('predictions')} < {top.format('accuracy')}")
        await page.evaluate("document.querySelector('.help summary').click()")
        assert "half-way" in await page.text(".help p")

    in_browser(address, look)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_nothing_that_keeps_anybody_out(address: str, scheme: str, width: int) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(ACCURACY)
        await page.wait_for("document.querySelectorAll('#all-markets .said').length >= 8")
        assert await page.kept_out() == "[]"

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
        assert accuracy.count("verdict on") == 4
        title = await page.evaluate("document.querySelector('#accuracy .skill').title")
        assert "at any time" in title
        assert "10^2 is proof" in title
        system = await page.text("#system-card")
        assert "connected" in system
        assert "Close to receipt" in system
        models = await page.text("#models")
        assert models.count("ago") == 4
        weights = json.loads(
            await page.evaluate(
                """JSON.stringify([...document.querySelectorAll("#weights ul")].map((list) =>
                  [...list.querySelectorAll(".number")].map((each) => parseInt(each.innerText))))"""
            )
        )
        assert len(weights) == 4
        for shares in weights:
            assert len(shares) >= 4  # three references and the learner
            assert shares == sorted(shares, reverse=True)
            assert abs(sum(shares) - 100) <= 2

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
        in_url = "new URLSearchParams(location.search).get('horizon')"
        assert await page.evaluate(in_url) == "10s"
        await page.call("Page.reload")
        await page.wait_for(
            f"document.querySelector('#horizons button') && {pressed} === '10\xa0s'"
        )
        await page.wait_for(PREDICTED)
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
        assert (await page.text("#accuracy")).count("not known yet") == 4
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


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
def test_accuracy_and_champions_are_shown_over_time(width: int) -> None:
    with served(minutes=6) as dashboard:
        now_s = int(time.time())
        kinds: list[tuple[str, str, int]] = [("lightgbm", "1", 1_800), ("logistic_five", "2", 900)]
        models = [
            Model(MARKETS[0], "1s", 1_000, name, version, (now_s - ago_s) * 1_000, 300, {})
            for name, version, ago_s in kinds
        ]
        outcomes = [
            Outcome(
                MARKETS[0], "1s", (now_s - ago_s) * 1_000, 1_000, "champion",
                "1" if ago_s > 900 else "2", 1.0, 0.0, 0.0, "right" if ago_s % 4 else "wrong",
                "right", inside=True, baselines={},
            )
            for ago_s in range(1_800, 60, -1)
        ]  # fmt: skip
        dashboard.store.write([*models, *outcomes])

        async def look(page: Page) -> None:
            await page.look(width=width, scheme="light")
            await page.wait_for("document.querySelectorAll('#accuracy-over-time .dot').length > 5")
            assert "1\u00a0s ahead" in await page.text("#over-time-title")
            spoken = "document.querySelector('#champions-said').textContent"
            said = await page.evaluate(spoken)
            assert said.index("logistic five, version 2") < said.index("lightgbm, version 1")
            assert "75.0\u00a0% right of 900 moves" in said
            widths = json.loads(
                await page.evaluate(
                    """JSON.stringify([...document.querySelectorAll('#champions > *')].map(
                      (one) => [one.textContent, parseFloat(one.style.width)]))"""
                )
            )
            assert [name for name, _ in widths] == ["lightgbm", "logistic five"]
            assert widths[0][1] == pytest.approx(25, abs=1)
            await page.evaluate("document.querySelectorAll('#over-time-ranges button')[1].click()")
            await page.wait_for(
                "parseFloat(document.querySelector('#champions > *').style.width) < 6"
            )
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        in_browser(dashboard.address, look)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_how_far_it_will_go_is_told_with_bounds_others_and_what_they_held(
    width: int, scheme: str
) -> None:
    with served(minutes=2) as dashboard:
        close_ms = int(time.time()) * 1_000
        forecast = MoveForecast(
            MARKETS[0], "1s", close_ms, 300_000, "volatility", "ridge", "7", "mid", 0, 4e-8,
            tuple(1e-8 * (1 + place) for place in range(19)), {"har": 9e-8, "ewma": 1.6e-7},
        )  # fmt: skip
        unfitted = msgspec.structs.replace(
            forecast, target="range", model_name="ewma", quantiles=(), mean=1.5e-3
        )
        came = MoveOutcome(
            MARKETS[0], "1s", close_ms - 300_000, 300_000, "volatility", "ridge", "7", 4e-8,
            still=False, qlike=0.1, baselines={}, crps=0.2, inside_80=False, inside_90=True,
        )  # fmt: skip
        cells = """JSON.stringify([...document.querySelectorAll('#how-far-rows tr')].map(
          (row) => [...row.children].map((cell) => cell.textContent.replaceAll('\\u00a0', ' '))))"""

        async def look(page: Page) -> None:
            await page.look(width=width, scheme=scheme)
            await page.wait_for("document.querySelector('#how-far-none').checkVisibility()")
            await page.wait_for(
                "document.querySelector('#how-far-none').textContent.includes('12 of 20 s of')"
            )
            for message in (forecast, unfitted, came):
                dashboard.markets.ports.pass_on(message, 1)
            await page.wait_for("document.querySelectorAll('#how-far-rows tr').length === 1")
            assert json.loads(await page.evaluate(cells)) == [
                [
                    "5 min", "± 0.0200 %", "0.0141 % \u2013 0.0424 %",
                    "0.0100 % \u2013 0.0436 %", "short and long 0.0300 %, of late 0.0400 %",
                    "0 % and 100 % of 1",
                ]
            ]  # fmt: skip
            assert await page.kept_out() == "[]"
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            await page.evaluate("document.querySelectorAll('#how-far-targets button')[1].click()")
            await page.wait_for(
                "document.querySelector('#how-far-rows').textContent.includes('in 105 min')"
            )
            (row,) = json.loads(await page.evaluate(cells))
            assert (row[1], row[5]) == ("0.150 %", "no outcome of a model yet")

        in_browser(dashboard.address, look)
