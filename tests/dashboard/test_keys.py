"""Where reading is not open: the key is asked for, kept, sent and forgotten, in a browser."""

import pytest

from marketstream.keys import ApiKey, digest_of, new_secret
from prediction_api.routes import known_keys
from prediction_api.settings import ApiSettings

from .browser import Page, in_browser, until
from .live_markets import served

CONNECTED = "document.querySelector('#system').innerText.includes('connected')"
PREDICTED = 'document.querySelector(".prediction .price")?.innerText'


@pytest.mark.browser
@pytest.mark.parametrize("is_to_stay", [False, True])
def test_where_reading_is_not_open_the_page_asks_for_a_key_and_keeps_it(
    monkeypatch: pytest.MonkeyPatch, is_to_stay: bool
) -> None:
    monkeypatch.setattr(known_keys, "_FRESH_S", 0.0)
    with served(minutes=6, settings=ApiSettings(open_read=False)) as dashboard:
        secret = new_secret()

        async def look(page: Page) -> None:
            await page.wait_for('!document.querySelector("#key").hidden')
            assert await page.evaluate('document.querySelector("#dashboard").hidden')
            await page.reloads_by(_give("rt_wrong", is_to_stay))
            await page.wait_for('document.querySelector("#key-detail").innerText.includes("none")')
            dashboard.store.add_key(ApiKey("browser", "read", digest_of(secret), 0))
            await page.reloads_by(_give(secret, is_to_stay))
            await page.wait_for(PREDICTED)
            await page.wait_for("document.querySelectorAll('#all-markets .said').length >= 8")
            assert await page.evaluate('document.querySelector("#key").hidden')
            assert (secret in await page.evaluate("document.cookie")) == is_to_stay
            kept = await page.evaluate("Object.values(sessionStorage)")
            assert kept == ([] if is_to_stay else [secret])
            assert secret not in str(await page.evaluate("Object.values(localStorage)"))
            await page.reloads_by('document.querySelector("#forget-key").click()')
            await page.wait_for('!document.querySelector("#key").hidden')
            assert await page.evaluate("document.cookie") == ""
            assert await page.evaluate("sessionStorage.length") == 0
            assert not any(secret in url for url in page.requested())

        in_browser(dashboard.address, look, may_complain_of="401 (Unauthorized)")


@pytest.mark.browser
def test_a_key_that_cannot_be_one_is_refused_and_never_kept() -> None:
    told = "document.querySelector('#key-detail').innerText"
    kept = "Object.values(sessionStorage).join() + document.cookie"

    async def look(page: Page) -> None:
        await page.wait_for('!document.querySelector("#key").hidden')
        for given in ("rt_\u00e4", "rt_\u20ac", "two words", "rt_" + "a" * 600):
            await page.evaluate("document.querySelector('#key-detail').innerText = ''")
            for is_to_stay in (False, True):
                await page.evaluate(_give(given, is_to_stay))
            assert "cannot be a key" in await page.evaluate(told)
            assert await page.evaluate(kept) == ""
        in_settings = "#settings form.key-form"
        await page.evaluate(
            f"""document.querySelector("{in_settings} [type=password]").value = "rt_\u00e4";
                document.querySelector("{in_settings} button").click()"""
        )
        said = "document.querySelector('#settings [role=alert]').textContent"
        assert "cannot be a key" in await page.evaluate(said)
        assert await page.evaluate(kept) == ""
        # One that was kept before is thrown away, and the page asks for another.
        await page.evaluate("sessionStorage.setItem('realtime_key', 'rt_\u20ac')")
        await page.reloads_by("location.reload()")
        await page.wait_for('!document.querySelector("#key").hidden')
        assert await page.evaluate(kept) == ""

    with served(minutes=1, settings=ApiSettings(open_read=False)) as dashboard:
        in_browser(dashboard.address, look, may_complain_of="401 (Unauthorized)")


@pytest.mark.browser
def test_the_routes_are_tried_with_the_key_of_the_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_keys, "_FRESH_S", 0.0)
    with served(minutes=1, settings=ApiSettings(open_read=False)) as dashboard:
        secret = new_secret()
        dashboard.store.add_key(ApiKey("browser", "read", digest_of(secret), 0))

        async def look(page: Page) -> None:
            await page.wait_for('!document.querySelector("#key").hidden')
            await page.reloads_by(_give(secret, is_to_stay=False))
            await page.wait_for(CONNECTED)
            link = "[...document.querySelectorAll('footer a')].find((a) => a.text === 'API')"
            await page.reloads_by(f"{link}.click()")
            tried = """[...document.querySelectorAll('.opblock')].find((one) =>
              one.querySelector('.opblock-summary-path')?.dataset.path === '/routes')"""
            await page.wait_for(f"!!{tried}")
            await page.evaluate(f"{tried}.querySelector('.opblock-summary-control').click()")
            await page.wait_for(f"!!{tried}?.querySelector('.try-out__btn')")
            await page.evaluate(f"{tried}.querySelector('.try-out__btn').click()")
            await page.wait_for(f"!!{tried}?.querySelector('.execute')")
            await page.evaluate(f"{tried}.querySelector('.execute').click()")
            status = f"{tried}.querySelector('.live-responses-table .response td')"
            assert (await page.wait_for(f"{status}?.innerText")).startswith("200")
            assert not any(secret in url for url in page.requested())

        in_browser(dashboard.address, look, may_complain_of="401 (Unauthorized)")


@pytest.mark.browser
def test_a_key_that_is_revoked_is_asked_for_once_while_another_is_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_keys, "_FRESH_S", 0.0)
    focus = "document.activeElement.id"

    with served(minutes=1, settings=ApiSettings(open_read=False)) as dashboard:
        secret = new_secret()
        key = ApiKey("browser", "read", digest_of(secret), 0)
        dashboard.store.add_key(key)

        async def look(page: Page) -> None:
            await page.wait_for('!document.querySelector("#key").hidden')
            await page.reloads_by(_give(secret, is_to_stay=False))
            await page.wait_for(CONNECTED)
            dashboard.store.revoke_key("browser")
            await page.evaluate("document.querySelectorAll('#markets button')[1].click()")
            await page.wait_for('!document.querySelector("#key").hidden')
            assert await page.evaluate(focus) == "key-given"
            await page.evaluate("document.querySelector('#key [type=checkbox]').focus()")
            asked = len(page.requested())
            await until(lambda: sum("/routes" in url for url in page.requested()[asked:]) > 2)
            assert await page.evaluate(focus) == ""
            dashboard.store.add_key(key)
            await page.wait_for('document.querySelector("#key").hidden')
            assert await page.evaluate("!document.querySelector('#dashboard').hidden")

        in_browser(dashboard.address, look, may_complain_of="401 (Unauthorized)")


def _give(secret: str, is_to_stay: bool) -> str:
    """Fill in the form."""
    return f"""document.querySelector("#key-given").value = "{secret}";
      document.querySelector("#key [type=checkbox]").checked = {str(is_to_stay).lower()};
      document.querySelector("#key button").click()"""
