"""The predictor as a part of a system: predicts at each close, and learns from what came."""

from __future__ import annotations

from collections.abc import Mapping

from marketstream.plan import Plan
from marketstream.ports import Part, Ports
from marketstream.together import together
from marketstream.topics import FEATURES, OUTCOMES, PREDICTIONS, STALLS, STATUS
from predictor.arena.abstentions import Abstentions
from predictor.arena.asking import Asker
from predictor.arena.endpoint import endpoint_of
from predictor.arena.loading import guests
from predictor.moves.layout import Layout
from predictor.moves.learning import MovesLearning
from predictor.registry.local import kept_champions
from predictor.registry.names import model_name
from predictor.serving.markets import Markets
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.learning import MarketsLearning
from predictor.training.process import TrainerProcess
from predictor.training.requests import Registration, registry_uri
from predictor.training.workshop import Workshop


def build(plan: Plan, settings: PredictorSettings, ports: Ports) -> Part:
    """Return the stage that predicts, and the work that keeps its models trained beside it.

    Models are registered at MLFLOW_TRACKING_URI, where that is not set in a SQLite file in the
    state folder.
    """
    state = ports.state.resolve()
    uri = registry_uri(settings.mlflow_tracking_uri, state)
    registration = Registration(uri, plan.timeframe, state)
    workshop = Workshop(lambda: TrainerProcess(ports.metrics, registration))
    abstentions = Abstentions(ports.metrics)
    arena = guests(settings.arena, settings.features, plan, abstentions)
    layout = Layout.of(settings.moves, plan.timeframe, plan.latency_ms)
    markets = Markets(
        plan,
        ports,
        grace_ms=settings.outcome_grace_ms,
        serve=settings.model.serves,
        guests=arena,
        moves=layout,
    )
    endpoints = [
        (endpoint, guest)
        for guest in arena
        if (endpoint := endpoint_of(guest.name, settings.arena[guest.name])) is not None
    ]
    asker = Asker(
        endpoints, plan.timeframe, markets.tell, abstentions, lambda: ports.clock() // 1_000_000
    )

    def kept(market: str, feature_set: str) -> Mapping[int, TrainedModel]:
        names = {h: model_name(market, plan.timeframe, h) for h in plan.horizons_ms}
        return kept_champions(state / "models", names, feature_set)

    moves = None
    if layout is not None:
        moves = MovesLearning(
            layout,
            most_closes=settings.moves.most_closes,
            every_ms=settings.training.retrain_interval * 1_000,
            order=workshop.order,
            install=markets.install_fits,
            serving=markets.fits,
            is_stalled=markets.is_stalled,
        )
    learning = MarketsLearning(
        plan, settings, ports, order=workshop.order, install=markets.install, kept=kept,
        how_far=None if moves is None else moves.progress,
    )  # fmt: skip
    ports.listen([FEATURES], learning.observe)
    ports.listen([PREDICTIONS, OUTCOMES], learning.judge, can_wait=True)
    if endpoints:
        ports.listen([FEATURES], asker.observe)
    if moves is not None:
        ports.listen([FEATURES], moves.observe, can_wait=True)
        ports.listen([STALLS, STATUS], markets.hear)
    ports.listen([STATUS], learning.hear)

    async def work() -> None:
        await together([asker.run(), workshop.run(learning.tell)])

    return Part(
        "predictor",
        stages=(markets.stage(learning.recall),),
        work=work,
    )
