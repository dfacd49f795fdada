"""Training in a process of its own, so that predictions never wait for it.

That process alone talks to the models' registry. What could not be registered is tried again until
it is. This module imports nothing heavy, so that the process can see to it first that it stays out
of the way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from marketstream.child import Child
from marketstream.metrics import Metrics
from marketstream.settings import SystemSettings

if TYPE_CHECKING:
    from predictor.training.fitting import TrainedModel
    from predictor.training.retraining import Trained, TrainingJob

type Models = dict[int, TrainedModel]

_POLITENESS = 10  # of `nice`: the market's data comes first
_IDLE_S = 2.0  # so long without a request: the other markets' first ones come right after another
_REGISTER_EVERY_S = 30.0  # while the registry is away


@dataclass(frozen=True, slots=True)
class Registration:
    """Where models are registered, and the timeframe of all that are trained here.

    The state folder has what was found of training sets in `data-docs`, and in `models` copies of
    those that serve or wait to be registered.
    """

    uri: str
    timeframe: str
    state: Path


def registry_uri(settings: SystemSettings, state: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it was set, else a SQLite file in the state folder."""
    if "mlflow_tracking_uri" in settings.model_fields_set:
        return settings.mlflow_tracking_uri
    return f"sqlite:///{(state / 'mlflow.sqlite').resolve()}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The question for champions that were trained on a feature set."""

    markets: tuple[str, ...]
    horizons_ms: tuple[int, ...]
    feature_set: str


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The request to register what waits for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Models by market and horizon, what could not be kept, and what failed altogether.

    `refusal` says what is wrong with a training set that was not trained on. `unregistered` is how
    many models wait for the registry.
    """

    models: dict[str, Models] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    failure: str | None = None
    refusal: str | None = None
    unregistered: int = 0


type Request = TrainingJob | Wanted | CatchUp


class TrainerProcess:
    """Runs training jobs one after the other in a child process, and registers their models.

    A registered model's version is the registry's; where the registry fails, or none is given, the
    models serve all the same, and what is given a registry is registered once that is back. The
    metrics count by market how each job ended: `trained`, `too little data`, `refused` (its
    training set is not what it has to be) or `failed`. A job that is refused, fails, or takes the
    process with it leaves the models that serve as they are.
    """

    def __init__(self, metrics: Metrics, registration: Registration | None = None) -> None:
        self._metrics = metrics
        self._registration = registration
        self._unregistered = 0
        self._catching_up: asyncio.Task[None] | None = None
        self._child = self._new_child()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def execute(self, job: TrainingJob, trained: Trained) -> None:
        """Have a job run; `trained` is called in the event loop when it is done."""
        self._begin(self._run(job, trained))

    async def champions(
        self, markets: Sequence[str], horizons_ms: Sequence[int], feature_set: str
    ) -> dict[str, Models]:
        """Return the registered champions by market and horizon, those that can be served.

        Asked first, it is answered before any job runs; the first answer waits a few seconds for
        the process to start.
        """
        reply = await self._ask(Wanted(tuple(markets), tuple(horizons_ms), feature_set))
        for complaint in (*reply.complaints, *filter(None, [reply.failure])):
            logger.warning("Not all champions from the registry", reason=complaint)
        return reply.models

    async def _run(self, job: TrainingJob, trained: Trained) -> None:
        reply = await self._ask(job)
        models: Mapping[int, TrainedModel] = reply.models.get(job.market, {})
        for complaint in reply.complaints:
            logger.warning("Not kept of a training", market=job.market, reason=complaint)
        if reply.failure is not None:
            logger.error("Training failed", market=job.market, reason=reply.failure)
            self._report(job.market, "failed")
        elif reply.refusal is not None:
            logger.warning("Training refused", market=job.market, reason=reply.refusal)
            self._report(job.market, "refused")
        else:
            self._report(job.market, "trained" if models else "too little data")
        trained(models, reply.failure, reply.refusal)

    def _report(self, market: str, result: str) -> None:
        self._metrics.model_trainings.labels(market, result).inc()

    async def _ask(self, request: Request) -> Reply:
        async with self._turn:
            reply = await asyncio.to_thread(self._exchange, request)
        if reply.failure is None:
            self._unregistered = reply.unregistered
            self._metrics.models_unregistered.set(reply.unregistered)
        if self._unregistered and (self._catching_up is None or self._catching_up.done()):
            self._catching_up = self._begin(self._catch_up())
        return reply

    async def _catch_up(self) -> None:
        """Have models registered once the registry is back; what is wrong with it has been said."""
        while self._unregistered:
            await asyncio.sleep(_REGISTER_EVERY_S)
            waiting = self._unregistered
            await self._ask(CatchUp())
            if self._unregistered < waiting:
                logger.info(
                    "Models registered that had waited",
                    models=waiting - self._unregistered,
                    waiting=self._unregistered,
                )

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _exchange(self, request: Request) -> Reply:
        try:
            self._child.connection.send(request)
            reply: Reply = self._child.connection.recv()
        except (EOFError, OSError) as error:
            if not self._stopped:
                self._child.stop()
                self._child = self._new_child()
            return Reply(failure=f"the training process ended ({error})")
        return reply

    def _new_child(self) -> Child:
        return Child("trainer", _serve, self._registration)

    def stop(self) -> None:
        """End the process."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        self._child.stop()


def _serve(connection: Connection, registration: Registration | None) -> None:
    """Answer requests until the parent is gone."""
    os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and LightGBM are imported
    os.nice(_POLITENESS)
    from predictor.training.child import Trainer

    trainer = Trainer(registration)
    while True:
        if not connection.poll(_IDLE_S):
            trainer.prepare()
        try:
            request: Request = connection.recv()
        except EOFError:
            return
        try:
            connection.send(trainer.answer(request))
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent logs it and goes on
            connection.send(Reply(failure=f"{type(error).__name__}: {error}"))
