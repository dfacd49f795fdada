"""The trades service: `python -m trades` follows an exchange and publishes its trades to Kafka."""

from __future__ import annotations

import asyncio
import signal

from marketstream.service import Service, main
from trades.publishing import Publishing


def run(service: Service) -> None:
    """Follow the exchange until a signal comes."""
    asyncio.run(_run(service))


async def _run(service: Service) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    publishing = loop.create_task(Publishing(service).run())
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({publishing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    publishing.cancel()
    await asyncio.wait({publishing})
    if not publishing.cancelled():
        publishing.result()


if __name__ == "__main__":
    main("trades", __file__, 9101, run)
