"""The ledger of the dashboard: prediction by prediction, why, and as a file, in a browser."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketstream.messages import Features, Outcome, Prediction
from marketstream.topics import FEATURES, OUTCOMES, PREDICTIONS

from .browser import Page, in_browser, until
from .live_markets import served

ROWS = "document.querySelectorAll('#ledger-rows tr')"
CAME = f"[...{ROWS}].map((row) => row.children[5].innerText)"
OPEN = "document.querySelector('#why').open"
SAID = "document.querySelector('#why-said')"
FORGETFUL = "simulator:ETH/USDT"  # of which no features are stored
WHY = "document.querySelector('#ledger-rows tr:nth-child(3) button')"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(minutes=6) as dashboard:

        def keep(message: Prediction | Outcome | Features, received_ns: int) -> None:
            del received_ns
            if isinstance(message, Features) and message.market == FORGETFUL:
                return
            dashboard.store.write([message])

        for topic in (PREDICTIONS, OUTCOMES, FEATURES):
            dashboard.markets.pipeline.runner.tap(topic, keep)
        yield dashboard.address


def choose(verdict: str) -> str:
    return f"""(() => {{
      const wanted = document.querySelector("#ledger-verdict");
      wanted.value = "{verdict}";
      wanted.dispatchEvent(new Event("change"));
    }})()"""


@pytest.mark.browser
def test_predictions_are_listed_filtered_and_explained_by_a_click(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{ROWS}.length >= 3", 40)
        assert "1\u00a0s ahead" in await page.text("#ledger-title")
        closes = await page.evaluate(f"[...{ROWS}].map((row) => row.children[0].innerText)")
        assert closes == sorted(closes, reverse=True)
        await page.evaluate(f"{WHY}.focus(); {WHY}.click()")
        await page.wait_for(f"{OPEN} && !!{SAID}.querySelector('dl')")
        said = await page.text("#why-said")
        assert "Up, if it moves" in said
        assert "What was seen: " in said
        assert "Who was heard" in said
        assert "realtime explain simulator:BTC/USDT:1s:" in said
        weights = await page.evaluate(
            f"[...{SAID}.querySelectorAll('table')[0].querySelectorAll('tbody td:nth-child(2)')]"
            ".map((weight) => parseFloat(weight.innerText))"
        )
        assert sum(weights) == pytest.approx(100, abs=4)
        await page.press("Escape")
        assert not await page.evaluate(OPEN)
        assert await page.evaluate(f"document.activeElement === {WHY}")
        await page.evaluate("document.activeElement.blur()")
        for verdict, words in (("right", "right"), ("wrong", "wrong"), ("", "")):
            await page.evaluate(choose(verdict))
            is_so = f"{CAME}.every((came) => came.includes('{words}'))"
            await page.wait_for(f"{is_so} && ({ROWS}.length > 0 || !'{verdict}')", 40)

    in_browser(address, look)


TERMS = f"[...{SAID}.querySelectorAll('details')].filter((one) => one.querySelector('.terms'))"
TOLD = f"""{TERMS}.map((one) => ({{
  said: parseFloat(one.querySelector("summary").innerText.split(": ")[1].replace("\\u2212", "-")),
  open: one.open,
  terms: [...one.querySelectorAll("li")].map((term) => {{
    const middle = term.children[1].getBoundingClientRect();
    const drawn = term.querySelector("i").getBoundingClientRect();
    return {{
      name: term.children[0].textContent,
      added: parseFloat(term.children[2].textContent.replace("\\u2212", "-")),
      drawn: (drawn.left + drawn.right - middle.left - middle.right) / middle.width,
    }};
  }}),
}}))"""


@pytest.mark.browser
def test_what_each_feature_added_is_drawn_as_signed_bars(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{ROWS}.length >= 3", 40)
        await page.evaluate(f"{WHY}.click()")
        await page.wait_for(f"{TERMS}.length >= 2")
        told = await page.evaluate(TOLD)
        assert [each["open"] for each in told] == [True, *[False] * (len(told) - 1)]
        await page.evaluate(f"{TERMS}.forEach((one) => {{ one.open = true; }})")
        for each in await page.evaluate(TOLD):
            *features, base = each["terms"]
            assert base["name"] == "base, whatever is known"
            assert sum(term["added"] for term in each["terms"]) == pytest.approx(
                each["said"], abs=0.001 * len(each["terms"])
            )
            alone = [abs(term["added"]) for term in features if "together" not in term["name"]]
            assert alone == sorted(alone, reverse=True)
            assert len(alone) <= 10
            assert all(alone), "what adds nothing is among the others"
            largest = max(abs(term["added"]) for term in each["terms"])
            for term in each["terms"]:
                expected = term["added"] / largest / 2 if largest else 0.0
                assert term["drawn"] == pytest.approx(expected, abs=0.02)
        assert any("more, together" in term["name"] for each in told for term in each["terms"])

    in_browser(address, look)


@pytest.mark.browser
def test_why_it_is_not_told_what_each_feature_added_is_said(address: str) -> None:
    async def look(page: Page) -> None:
        await page.wait_for(f"{ROWS}.length >= 3", 40)
        await page.evaluate(f"{WHY}.click()")
        await page.wait_for(f"!!{SAID}.querySelector('dl')")
        assert "Not told: the features are no longer stored" in await page.text("#why-said")
        assert await page.evaluate(f"{TERMS}.length") == 0

    in_browser(address, look, path=f"?market={FORGETFUL}")


@pytest.mark.browser
def test_a_day_is_kept_as_a_file(address: str, tmp_path: Path) -> None:
    file = tmp_path / "simulator-BTC-USDT-1000ms.csv"

    async def look(page: Page) -> None:
        where = {"behavior": "allow", "downloadPath": str(tmp_path)}
        await page.call("Page.setDownloadBehavior", **where)
        await page.wait_for(f"{ROWS}.length >= 3", 40)
        await page.evaluate("document.querySelector('#ledger-download').click()")
        await until(lambda: file.exists() and file.stat().st_size > 0)
        rows = list(csv.DictReader(file.read_text().splitlines()))
        assert len(rows) >= 3
        assert {row["horizon_ms"] for row in rows} == {"1000"}
        assert await page.text("#ledger-state") == f"{len(rows)} predictions"

    in_browser(address, look)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_ledger_keeps_nobody_out(address: str, width: int, scheme: str) -> None:
    async def look(page: Page) -> None:
        await page.look(width=width, scheme=scheme)
        await page.wait_for(f"{ROWS}.length >= 3", 40)
        assert await page.kept_out() == "[]"
        await page.evaluate(f"{WHY}.click()")
        await page.wait_for(f"!!{SAID}.querySelector('dl')")
        await page.evaluate(f"{SAID}.querySelector('summary').click()")
        assert await page.kept_out() == "[]"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert await page.evaluate("document.querySelector('#why').scrollWidth <= innerWidth - 20")

    in_browser(address, look)
