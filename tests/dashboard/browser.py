"""Chromium, driven through its DevTools protocol."""

import asyncio
import json
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

WEB = Path(__file__).parents[2] / "services" / "prediction-api" / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
BROWSER = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--remote-debugging-port=0",
)  # fmt: skip


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


class Page:
    """One tab, and everything that it said."""

    def __init__(self, devtools: aiohttp.ClientWebSocketResponse) -> None:
        self._devtools = devtools
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def listen(self) -> None:
        async for message in self._devtools:
            said = json.loads(message.data)
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            else:
                self.events.append((said["method"], said["params"]))

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._devtools.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(answer, 20)
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    async def evaluate(self, expression: str) -> Any:
        said = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def wait_for(self, expression: str, seconds: float = 20) -> Any:
        """Wait until an expression is true and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = await self.evaluate(expression)
            if value:
                return value
            await asyncio.sleep(0.05)
        text = await self.evaluate("document.body.innerText")
        raise AssertionError(f"never true: {expression}\n{text}\n{self.complaints()}")

    async def reloads_by(self, expression: str, seconds: float = 20) -> None:
        """Evaluate what has the page load itself anew, and wait until it has."""
        before = self._loads()
        await self.evaluate(f"setTimeout(() => {{ {expression} }})")
        deadline = time.monotonic() + seconds
        while self._loads() == before:
            assert time.monotonic() < deadline, f"not loaded anew: {expression}"
            await asyncio.sleep(0.02)

    def _loads(self) -> int:
        return sum(method == "Page.loadEventFired" for method, _ in self.events)

    async def text(self, selector: str) -> str:
        return str(await self.evaluate(f"document.querySelector({selector!r}).innerText"))

    async def look(self, *, width: int, scheme: str) -> None:
        await self.call("Emulation.setDeviceMetricsOverride",
                        width=width, height=900, deviceScaleFactor=1, mobile=False)  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def press(self, key: str) -> None:
        """Press a key, and let it go."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32}
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key.replace(" ", "Space"),
                windowsVirtualKeyCode=codes.get(key, 0), text=text if kind == "keyDown" else "",
            )  # fmt: skip

    async def kept_out(self) -> str:
        """Return what axe finds that keeps anybody out, "[]" where it finds nothing."""
        await self.evaluate(f"{AXE.read_text()}; 0")
        found = "axe.run().then(({ violations }) => JSON.stringify(violations, null, 1))"
        return str(await self.evaluate(found))

    async def colours(self) -> dict[str, int]:
        """Count the pixels by colour of what the chart's pane shows."""
        counts: dict[str, int] = json.loads(await self.evaluate(
            """(() => {
              const counts = {};
              for (const canvas of document.querySelectorAll("#chart table canvas")) {
                if (canvas.width < 200 || canvas.height < 100) continue;
                const { width, height } = canvas;
                const copy = new OffscreenCanvas(width, height)
                  .getContext("2d", { willReadFrequently: true });
                copy.drawImage(canvas, 0, 0);
                const pixels = copy.getImageData(0, 0, width, height).data;
                for (let i = 0; i < pixels.length; i += 4) {
                  if (pixels[i + 3] < 255) continue;
                  const colour = [...pixels.slice(i, i + 3)]
                    .map((part) => part.toString(16).padStart(2, "0")).join("");
                  counts["#" + colour] = (counts["#" + colour] ?? 0) + 1;
                }
              }
              return JSON.stringify(counts);
            })()"""
        ))  # fmt: skip
        return counts

    async def width_of(self, colour: str) -> int:
        """Return the width in pixels of the most that the chart's pane draws in a colour."""
        return int(await self.evaluate(
            """(() => {
              const canvas = [...document.querySelectorAll("#chart table canvas")]
                .find(({ width, height }) => width >= 200 && height >= 100);
              const copy = new OffscreenCanvas(canvas.width, canvas.height)
                .getContext("2d", { willReadFrequently: true });
              copy.drawImage(canvas, 0, 0);
              const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
              const wanted = parseInt("COLOUR", 16);
              const drawn = new Map();
              let run = 0;
              for (let i = 0; i < data.length; i += 4) {
                const is = ((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]) === wanted;
                if (is && data[i + 3] === 255) run += 1;
                else if (run) {
                  drawn.set(run, (drawn.get(run) ?? 0) + run);
                  run = 0;
                }
              }
              return [...drawn].reduce((most, one) => one[1] > most[1] ? one : most, [0, 0])[0];
            })()""".replace("COLOUR", colour.removeprefix("#"))
        ))  # fmt: skip

    def complaints(self) -> list[str]:
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [str(params) for method, params in self.events if method in kinds]

    def requested(self) -> list[str]:
        return [
            params["request"]["url"]
            for method, params in self.events
            if method == "Network.requestWillBeSent"
        ]


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            chromium, *BROWSER, f"--user-data-dir={folder}", "about:blank",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        reading: asyncio.Task[bytes] | None = None
        try:
            port = await _devtools_port(process.stderr)
            reading = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    targets = json.loads(await answer.read())
                tab = next(t for t in targets if t["type"] == "page")
                async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as tools:
                    page = Page(tools)
                    listening = asyncio.create_task(page.listen())
                    for domain in ("Page", "Runtime", "Network", "Log"):
                        await page.call(f"{domain}.enable")
                    yield page
                    listening.cancel()
        finally:
            process.terminate()
            await process.wait()
            if reading is not None:
                await reading


async def _devtools_port(stderr: asyncio.StreamReader) -> int:
    async with asyncio.timeout(30):
        while line := await stderr.readline():
            found = re.search(rb"DevTools listening on ws://[^:]+:(\d+)/", line)
            if found:
                return int(found[1])
    raise AssertionError("chromium ended before it listened")


def in_browser(
    address: str, look: Callable[[Page], Awaitable[None]], *, path: str = "",
    may_complain_of: str = "nothing",
) -> None:  # fmt: skip
    """Open the page and look; whatever is looked at, it complains of nothing and stays at home."""

    async def visit() -> None:
        async with browser() as page:
            await page.look(width=1280, scheme="light")
            await page.call("Page.navigate", url=f"{address}{path}")
            await page.wait_for("location.port && document.readyState === 'complete'")
            await look(page)
            complaints = [said for said in page.complaints() if may_complain_of not in said]
            assert not complaints, complaints
            elsewhere = [url for url in page.requested() if not url.startswith((address, "data:"))]
            assert not elsewhere, elsewhere

    asyncio.run(visit())
