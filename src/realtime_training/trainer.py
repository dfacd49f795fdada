"""Training in a process of its own, so that predictions never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from loguru import logger

from predictor.retraining import Trained, TrainingJob
from predictor.training import TrainedModel
from realtime_training.child import Child

type Report = Callable[[str, str], None]


class TrainerProcess:
    """Runs training jobs one after the other in a child process.

    `report` is told the market and how each ended: `trained`, `too little data` or `failed`. A job
    that fails, or takes the process with it, leaves the models that serve as they are.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._child = Child("trainer", _train_for_ever)
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def execute(self, job: TrainingJob, trained: Trained) -> None:
        """Have a job run; `trained` is called in the event loop when it is done."""
        task = asyncio.get_running_loop().create_task(self._run(job, trained))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, job: TrainingJob, trained: Trained) -> None:
        models: Mapping[int, TrainedModel] = {}
        async with self._turn:
            said = await asyncio.to_thread(self._ask, job)
        if isinstance(said, str):
            logger.error("Training failed", market=job.market, reason=said)
            self._report(job.market, "failed")
        else:
            models = said
            self._report(job.market, "trained" if models else "too little data")
        trained(models)

    def _ask(self, job: TrainingJob) -> dict[int, TrainedModel] | str:
        try:
            self._child.connection.send(job)
            said: dict[int, TrainedModel] | str = self._child.connection.recv()
        except (EOFError, OSError) as error:
            if not self._stopped:
                self._child.stop()
                self._child = Child("trainer", _train_for_ever)
            return f"the training process ended ({error})"
        return said

    def stop(self) -> None:
        """End the process."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        self._child.stop()


def _train_for_ever(connection: Connection) -> None:
    while True:
        try:
            job: TrainingJob = connection.recv()
        except EOFError:
            return
        try:
            connection.send(job.run())
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent logs it and goes on
            connection.send(f"{type(error).__name__}: {error}")
