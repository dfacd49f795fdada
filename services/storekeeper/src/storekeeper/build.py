"""The storekeeper part: keeps what the topics bring, audits, mends, and alerts."""

from __future__ import annotations

import asyncio

from marketstream.messages import Status
from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.together import together
from marketstream.topics import KEPT_TOPICS
from storekeeper.alerts.alerting import Alerting
from storekeeper.auditor import Auditor
from storekeeper.keeping import Keeping
from storekeeper.lost import LostGaps
from storekeeper.mending import Mender, can_mend
from storekeeper.packing import Packing
from storekeeper.retention import Retention
from storekeeper.sealer import Sealer
from storekeeper.settings import StorekeeperSettings

_SAY_EVERY_S = 1.0


def build(plan: Plan, settings: StorekeeperSettings, ports: Ports) -> Part:
    """Return the part; raises SettingsError where a market's exchange cannot be asked."""
    sources = settings.sources(plan.markets)
    menders = [
        Mender(source, plan.candle_timeframes, ports, grace_s=settings.mend_grace_s)
        for source in sources
    ]
    auditors = [
        Auditor(source, plan.candle_timeframes, ports, mender.suspect)
        for source, mender in zip(sources, menders, strict=True)
    ]

    lost = [LostGaps(source, ports) for source in sources if can_mend(source.venue)]

    async def say() -> None:
        while True:
            for auditor, mender in zip(auditors, menders, strict=True):
                for market, parity in auditor.parities.items():
                    ports.publish(Status(market, "storekeeper", parity.said()))
                    ports.publish(Status(market, "mending", mender.said(market)))
            await asyncio.sleep(_SAY_EVERY_S)

    retention = Retention(settings.retention, ports)
    sealer = Sealer(plan.markets, plan.timeframe, plan.horizons_ms, ports, plan.base)
    packing = Packing(settings.retention, plan, ports)
    alerting = Alerting(plan, settings.alerts, ports)

    async def work() -> None:
        works = [retention.run(), sealer.run(), packing.run(), alerting.run()]
        if settings.audit_every_s:
            works += [say(), *(one.run() for one in lost)]
            works += [auditor.run(settings.audit_every_s) for auditor in auditors]
            works += [
                mender.run(settings.audit_every_s)
                for source, mender in zip(sources, menders, strict=True)
                if can_mend(source.venue)
            ]
        await together(works)

    keeping = Keeping(ports.store, ports.metrics)
    return Part("storekeeper", work=work, keeps=KEPT_TOPICS, keep=keeping.keep)
