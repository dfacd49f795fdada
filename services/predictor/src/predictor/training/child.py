"""What the training process does: check, train, register, and load what was registered."""

from __future__ import annotations

from dataclasses import replace

from predictor.gates.gate import Gate
from predictor.leakcheck import before_training
from predictor.moves.job import MovesJob
from predictor.policy.succession import staying
from predictor.registry.registrar import Registrar
from predictor.training.requests import Registration, Reply, Request, Serving, Wanted
from predictor.training.retraining import TrainingJob


class Trainer:
    """Answers requests one by one; the registry is opened at once, so that no training waits."""

    def __init__(self, registration: Registration | None) -> None:
        self._gate = Gate(None if registration is None else registration.state / "data-docs")
        self._registrar = None if registration is None else Registrar(registration)

    def prepare(self) -> None:
        """Import what no training should wait for, and do what was put off for want of it."""
        self._gate.catch_up()

    def answer(self, request: Request) -> Reply:
        """Train on a set that is as it has to be, fit, load champions, or register what waits."""
        if isinstance(request, MovesJob):
            unregistered = 0 if self._registrar is None else self._registrar.unregistered
            return Reply(fits=request.run(), unregistered=unregistered)
        reply = self._train(request) if isinstance(request, TrainingJob) else Reply()
        registrar = self._registrar
        if registrar is None:
            return reply
        if isinstance(request, Wanted):
            reply = Reply(*registrar.champions(request))
        elif isinstance(request, Serving):
            reply = Reply(*registrar.changed(request))
        elif isinstance(request, TrainingJob):
            for market, models in reply.models.items():
                named, complaints = registrar.register(request, models)
                reply = replace(
                    reply, models={market: named}, complaints=(*reply.complaints, *complaints)
                )
        else:
            registrar.catch_up()  # what is wrong was said when the models came
        return replace(reply, unregistered=registrar.unregistered)

    def _train(self, job: TrainingJob) -> Reply:
        verdict = self._gate.check(
            job.table, job.settings,
            market=job.market, label=job.label, now_ms=job.trained_at_ms, at_once=True,
        )  # fmt: skip
        complaints = () if verdict.complaint is None else (verdict.complaint,)
        if verdict.refusal is not None:
            return Reply(complaints=complaints, refusal=verdict.refusal)
        leaks = before_training(
            job.table, job.prices, job.horizons_ms, job.settings,
            latency_ms=job.latency_ms, label=job.label,
        )  # fmt: skip
        if leaks:
            return Reply(complaints=complaints, refusal=f"leak: {leaks[0]}")
        models = job.run()
        stays = staying(job, models)
        better = {h: model for h, model in models.items() if h not in stays}
        return Reply(
            {job.market: better} if better else {}, complaints,
            stays=stays, distributions=verdict.distributions,
        )  # fmt: skip
