"""Training in a process of its own, so that predictions never wait for it.

That process alone talks to the models' registry. What could not be registered is tried again until
it is. This module imports nothing heavy, so that the process can see to it first that it stays out
of the way.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from loguru import logger

from marketstream.child import Child
from marketstream.metrics import Metrics
from marketstream.recent import Recent
from predictor.training.requests import (
    CatchUp,
    Models,
    Registration,
    Reply,
    Request,
    Serving,
    Wanted,
)
from predictor.training.turns import Turns

if TYPE_CHECKING:
    from predictor.moves.fit import Fit
    from predictor.moves.job import MovesJob
    from predictor.training.child import Trainer
    from predictor.training.fitting import TrainedModel
    from predictor.training.retraining import Trained, TrainingJob

_POLITENESS = 10  # of `nice`: the market's data comes first
_IDLE_S = 2.0  # so long without a request: the other markets' first ones come right after another
_SAID = 100
_REGISTER_EVERY_S = 30.0  # while the registry is away
# For how long a training gives others the way: a market without a model comes first.
_PATIENCE_S: Mapping[str, float] = {
    "first": 0, "quotes": 30, "more data": 60, "drift of loss": 120, "drift of features": 120,
    "again": 300, "interval": 600,
}  # fmt: skip
_NO_HURRY_S = 300.0


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
        self._turns = Turns()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._said: Recent[str] = Recent(_SAID)

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

    async def changed(self, serving: Serving) -> dict[str, Models]:
        """Return the registered champions that are others than those that serve.

        Why one that was made champion cannot serve is said once.
        """
        reply = await self._ask(serving)
        for complaint in (*reply.complaints, *filter(None, [reply.failure])):
            if self._said.add(complaint):
                logger.warning("A champion cannot serve", reason=complaint)
        return reply.models

    async def fit_moves(self, job: MovesJob) -> tuple[Fit, ...]:
        """Return what was fitted of how far a price will go; nothing where that failed."""
        reply = await self._ask(job, _NO_HURRY_S)
        if reply.failure is not None:
            logger.error("Fitting failed", market=job.market, reason=reply.failure)
        return reply.fits

    async def _run(self, job: TrainingJob, trained: Trained) -> None:
        reply = await self._ask(job, _PATIENCE_S[job.cause], job.market)
        models: Mapping[int, TrainedModel] = reply.models.get(job.market, {})
        for complaint in reply.complaints:
            logger.warning("Not kept of a training", market=job.market, reason=complaint)
        for horizon_ms, reason in reply.stays.items():
            logger.info("Model stays", market=job.market, horizon_ms=horizon_ms, reason=reason)
        if reply.failure is not None:
            logger.error("Training failed", market=job.market, reason=reply.failure)
            self._report(job.market, "failed")
        elif reply.refusal is not None:
            logger.warning("Training refused", market=job.market, reason=reply.refusal)
            self._report(job.market, "refused")
        else:
            self._report(job.market, "trained" if models or reply.stays else "too little data")
        trained(models, reply.failure, reply.refusal, tuple(reply.stays), reply.distributions)

    def _report(self, market: str, result: str) -> None:
        self._metrics.model_trainings.labels(market, result).inc()

    async def _ask(
        self, request: Request, patience_s: float = 0.0, trains: str | None = None
    ) -> Reply:
        """Have the process answer, after what is more urgent; `trains` is the market it is for."""
        async with self._turns.turn(patience_s) as waited_s:
            if trains is not None:
                self._metrics.model_training_wait.labels(trains).set(waited_s)
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
            await self._ask(CatchUp(), _NO_HURRY_S)
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
        """Send a request and wait for its answer; a process that has died is replaced."""
        try:
            self._child.connection.send(request)
            reply: Reply = self._child.connection.recv()
        except (EOFError, OSError) as error:
            if not self._stopped:
                self._child.stop()
                self._child = self._new_child()
            return Reply(failure=f"the training process ended ({str(error) or 'killed'})")
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
    """Answer requests until the parent is gone; what goes wrong meanwhile is part of an answer."""
    os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and LightGBM are imported
    os.nice(_POLITENESS)

    @functools.cache  # but for what it raises: then the next request tries again
    def trainer() -> Trainer:
        from predictor.training.child import Trainer

        return Trainer(registration)

    _attempted(trainer)
    complaints: dict[str, None] = {}  # what went wrong where nobody had asked
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while True:
            if not connection.poll(_IDLE_S):
                prepared = _attempted(lambda: trainer().prepare())
                complaints |= dict.fromkeys(filter(None, [prepared.failure]))
            request: Request = connection.recv()
            reply = _attempted(functools.partial(_answered, trainer, request))
            connection.send(replace(reply, complaints=(*complaints, *reply.complaints)))
            complaints.clear()


def _answered(trainer: Callable[[], Trainer], request: Request) -> Reply:
    return trainer().answer(request)


def _attempted(work: Callable[[], object]) -> Reply:
    """Return what work replies, or that it failed and why."""
    try:
        reply = work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent logs it and goes on
        return Reply(failure=f"{type(error).__name__}: {error}")
    return reply if isinstance(reply, Reply) else Reply()
