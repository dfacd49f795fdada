"""Tells people of what happens to markets and models, beside everything else."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from itertools import product

from loguru import logger

from marketstream.errors import StateError
from marketstream.evidence import Finding
from marketstream.messages import Gap, Learning, Outcome, Prediction, Stall, Status
from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.topics import GAPS, OUTCOMES, PREDICTIONS, STALLS, STATUS
from storekeeper.alerts.alert import KINDS, Alert, Kind
from storekeeper.alerts.drifts import Drifts
from storekeeper.alerts.endpoints import endpoints_of
from storekeeper.alerts.faults import BEGAN, ENDED, Faults
from storekeeper.alerts.memory import Memory
from storekeeper.alerts.sending import RESULTS, Result, Sender
from storekeeper.alerts.settings import AlertSettings
from storekeeper.alerts.skill import SkillWatch

_LOOK_EVERY_S = 1.0
_RECALLED_MS = 3_600_000
_RECALL_EVERY_MS = 5_000
_DAY_MS = 86_400_000
_NS_PER_MS = 1_000_000
_MOST_HEARD = 200_000
_AT_ONCE = 500  # messages, before others have a turn

type _Heard = Prediction | Outcome | Gap | Stall | Status
type _Received = tuple[_Heard, int]
"""What is heard, and when was received what it follows from: ns, by the clock."""


class Alerting:
    """Listens where there is an address to tell, and does nothing at all where there is none.

    What it hears is put aside and looked at once a second, so that no prediction waits for it.
    Markets of somebody else's plan are passed over.
    """

    def __init__(
        self, plan: Plan, settings: AlertSettings, ports: Ports, *, first_wait_s: float = 1.0
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._ports = ports
        self._first_wait_s = first_wait_s
        self._endpoints = endpoints_of(settings)
        self._heard: deque[_Received] = deque(maxlen=_MOST_HEARD)
        for kind, result in product(KINDS, RESULTS):  # so that none is told from not knowing
            ports.metrics.alerts.labels(kind, result)
        if self._endpoints:
            ports.listen([PREDICTIONS, OUTCOMES, GAPS, STALLS, STATUS], self._hear, can_wait=True)

    async def run(self) -> None:
        """Tell until cancelled."""
        if not self._endpoints:
            return
        memory = await asyncio.to_thread(Memory.read, self._ports.state)
        telling = _Telling(self._plan, self._settings, self._ports, memory)
        senders = [
            Sender(
                endpoint,
                per_minute=self._settings.per_minute,
                timeout_s=self._settings.timeout_s,
                clock=self._ports.clock,
                ended=telling.ended,
                first_wait_s=self._first_wait_s,
            )
            for endpoint in self._endpoints
        ]
        for sender in senders:
            sender.put(memory.waiting.get(sender.endpoint.name, ()))
        logger.info("Alerts go out", to=[endpoint.name for endpoint in self._endpoints])
        try:
            async with asyncio.TaskGroup() as tasks:
                for sender in senders:
                    tasks.create_task(sender.run())
                await self._tell(telling, senders)
        finally:
            telling.keep(senders)  # what was delivered since, too

    async def _tell(self, telling: _Telling, senders: Sequence[Sender]) -> None:
        while True:
            await telling.recall()
            await telling.hear(self._heard)
            alerts = telling.due()
            for sender in senders:
                sender.put(alerts)
            if alerts or telling.has_news:
                await asyncio.to_thread(telling.keep, senders)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _hear(self, message: _Heard, received_ns: int) -> None:
        if message.market not in self._plan.markets:
            return
        if not isinstance(message, Status) or isinstance(message.said, Learning):
            self._heard.append((message, received_ns))


class _Telling:
    """What is heard, to what is told."""

    def __init__(self, plan: Plan, settings: AlertSettings, ports: Ports, memory: Memory) -> None:
        self._plan = plan
        self._settings = settings
        self._ports = ports
        self._memory = memory
        self._quiet_ms = round(settings.quiet_s * 1_000)
        self._memory.began_ms = memory.began_ms or self._now_ms()
        self._faults = Faults(round(settings.after_s * 1_000), [*memory.gaps, *memory.stalls])
        self._unknown = list(plan.markets)  # whose past is still to be read
        self._recall_ms = 0
        self._writing = threading.Lock()
        said = {
            (market, horizon_ms): finding
            for market, findings in memory.verdicts.items()
            for horizon_ms, finding in findings.items()
        }
        self._drifts = Drifts(memory.drifts)
        self._skill = SkillWatch(plan, settings.confidence, said)
        self.has_news = False  # of alerts that wait no more

    async def recall(self) -> None:
        """Know of the past what the store does; where it is away, it is asked again later."""
        if self._now_ms() < self._recall_ms:
            return
        for market in list(self._unknown):
            try:
                await asyncio.to_thread(self._read, market)
            except StateError as error:
                logger.warning("Alerts do not know the past yet", market=market, reason=str(error))
                self._recall_ms = self._now_ms() + _RECALL_EVERY_MS
            else:
                self._unknown.remove(market)

    async def hear(self, heard: deque[_Received]) -> None:
        """Note all that was heard."""
        now_ms = self._now_ms()
        for number in range(len(heard)):
            message, received_ns = heard.popleft()
            if isinstance(message, Gap | Stall):
                self._faults.hear(message, now_ms)
            elif isinstance(message, Status):
                if isinstance(message.said, Learning):
                    self._drifts.hear(message.market, message.said)
            else:
                self._skill.hear(message, received_ms=received_ns // _NS_PER_MS)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    def due(self) -> list[Alert]:
        """Return what is to be told now."""
        now_ms = self._now_ms()

        def may_tell(kind: Kind, market: str, subject: str) -> bool:
            if kind not in self._settings.kinds:
                return False
            return self._memory.may_tell(f"{kind}|{market}|{subject}", now_ms, self._quiet_ms)

        alerts = [
            *self._faults.take(now_ms, may_tell),
            *self._drifts.take(now_ms, may_tell),
            *self._skill.take(now_ms, may_tell),
        ]
        for alert in alerts:
            if alert.subject == ENDED:  # the next one is told, however soon
                self._memory.forget(f"{alert.kind}|{alert.market}|{BEGAN}")
            logger.info("Alert", kind=alert.kind, market=alert.market, text=alert.text)
        verdicts: dict[str, dict[int, Finding]] = {}
        for (market, horizon_ms), finding in self._skill.said.items():
            verdicts.setdefault(market, {})[horizon_ms] = finding
        self._memory.verdicts = verdicts
        return alerts

    def ended(self, alert: Alert, result: Result) -> None:
        """Count what became of an alert."""
        self._ports.metrics.alerts.labels(alert.kind, result).inc()
        self.has_news = True

    def keep(self, senders: Sequence[Sender]) -> None:
        """Keep what was told and what waits, for the next start."""
        with self._writing:  # the end may come while that is done
            self.has_news = False
            told = self._faults.told
            self._memory.gaps = [fault for fault in told if isinstance(fault, Gap)]
            self._memory.stalls = [fault for fault in told if isinstance(fault, Stall)]
            self._memory.waiting = {each.endpoint.name: [*each.waiting] for each in senders}
            self._memory.write(self._ports.state)

    def _read(self, market: str) -> None:
        store, timeframe = self._ports.store(), self._plan.timeframe
        now_ms = self._now_ms()
        from_ms, to_ms = now_ms - _RECALLED_MS, now_ms + _RECALLED_MS
        predictions = store.predictions(market, timeframe, from_ms, to_ms)
        outcomes = store.outcomes(market, timeframe, from_ms, to_ms)
        tallies = store.tallies(market, timeframe, from_ms, self._skill.streams)
        gaps = store.gaps(market, now_ms - _DAY_MS, to_ms)
        stalls = store.stalls(market, now_ms - _DAY_MS, to_ms)
        for prediction in predictions:
            self._skill.hear(prediction)
        for outcome in outcomes:
            self._skill.hear(outcome)
        self._skill.remember(market, tallies)
        for gap in gaps:
            if gap.state != "lost" or gap.since_us // 1_000 >= self._memory.began_ms:
                self._faults.hear(gap, now_ms)
        for stall in stalls:
            if stall.end == "open":  # whoever watched has stopped, and says of the next one anew
                self._faults.forget(stall)
            else:
                self._faults.hear(stall, now_ms)

    def _now_ms(self) -> int:
        return self._ports.clock() // _NS_PER_MS
