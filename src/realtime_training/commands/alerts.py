"""`realtime alerts`: whether alerts arrive where the settings have them go."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from marketstream.errors import NetworkError, SettingsError
from realtime_training import report
from realtime_training.commands.options import json_option

if TYPE_CHECKING:
    from storekeeper.alerts.endpoints import Endpoint
    from storekeeper.alerts.sending import Answer

_TEXT = "A test: alerts arrive here"


@click.group()
def alerts() -> None:
    """See whether alerts arrive where ALERTS_WEBHOOKS or ALERTS_TELEGRAM_CHATS have them go.

    \b
    Examples:
      realtime alerts test          one to every address, now
    """  # noqa: D301 - click asks for a real backspace


@alerts.command()
@json_option
def test(*, as_json: bool) -> None:
    """Send one alert to every address, once each, and say what came of it."""
    from realtime_training.settings import load_all
    from storekeeper.alerts.endpoints import endpoints_of

    settings = load_all().storekeeper.alerts
    endpoints = endpoints_of(settings)
    if not endpoints:
        raise SettingsError(
            "no address for alerts: set ALERTS_WEBHOOKS, or ALERTS_TELEGRAM_TOKEN and "
            "ALERTS_TELEGRAM_CHATS"
        )
    answers = asyncio.run(_ask_all(endpoints, settings.timeout_s))
    if as_json:
        told = [
            {"to": name, "delivered": answer.taken, "reason": answer.reason or None}
            for name, answer in answers.items()
        ]
        report.print_json({"alerts": told})
    else:
        for name, answer in answers.items():
            click.echo(f"{name}: {'delivered' if answer.taken else answer.reason}")
    failed = [name for name, answer in answers.items() if not answer.taken]
    if failed:
        raise NetworkError(
            f"{len(failed)} of {len(answers)} did not take it: see whether address, token and chat "
            "are right"
        )


async def _ask_all(endpoints: list[Endpoint], timeout_s: float) -> dict[str, Answer]:
    import aiohttp

    from storekeeper.alerts.alert import Alert
    from storekeeper.alerts.sending import ask

    now_ms = time.time_ns() // 1_000_000
    alert = Alert("test", "", "test", _TEXT, now_ms, now_ms)
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        answers = await asyncio.gather(*(ask(session, each, alert) for each in endpoints))
    return {each.name: answer for each, answer in zip(endpoints, answers, strict=True)}
