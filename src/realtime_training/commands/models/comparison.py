"""Two versions of a model on the same stored closes, which neither was trained on."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from marketstream.errors import InputError
from marketstream.evidence import Streams
from predictor.policy.duel import duel, needed
from predictor.training.calibration import log_loss
from predictor.training.dataset import Dataset, labelled
from predictor.training.fitting import TrainedModel
from realtime_training.datasets import Recorded


def compare_versions(
    data: Recorded, challenger: TrainedModel, champion: TrainedModel
) -> dict[str, Any]:
    """Return how each did on the rows after both trainings that moved, and the evidence.

    Raises InputError where there are no such rows, or a model reads what is not computed.
    """
    rows = labelled(
        data.table,
        data.prices,
        horizon_ms=champion.horizon_ms,
        latency_ms=champion.latency_ms,
        label=data.label,
    )
    unseen_ms = max(challenger.trained_at_ms, champion.trained_at_ms)
    later = rows.take(rows.moved & (rows.times_ms > unseen_ms))
    for model in (challenger, champion):
        missing = set(model.champion.columns) - set(rows.names)
        if missing:
            raise InputError(
                f"version {model.version} reads {', '.join(sorted(missing))}, which is not "
                "computed now: configure it in services/technical_indicators/config.yaml"
            )
        later = later.take(later.whole(model.champion.columns))
    if not len(later):
        raise InputError(
            f"no stored close moved after both trainings, the later of which was at {unseen_ms}: "
            "wait for some"
        )
    met = duel(
        challenger.champion.p_up(later), champion.champion.p_up(later), later.up, later.times_ms,
        Streams.foreseen(rows.horizon_ms, rows.step_ms, rows.latency_ms),
    )  # fmt: skip
    return {
        "challenger": _figures(challenger, later),
        "champion": _figures(champion, later),
        "rows": met.rows,
        "since_ms": int(later.times_ms[0]),
        "until_ms": int(later.times_ms[-1]),
        "ahead": met.ahead,
        "log10_e": met.log10_e,
        "needed": needed(1),
    }


def print_comparison(name: str, compared: dict[str, Any]) -> None:
    """Print it as three lines."""
    click.echo(f"{name}, {compared['rows']:,} moved closes after both trainings")
    for role in ("challenger", "champion"):
        one = compared[role]
        click.echo(
            f"  {role:10} version {one['version']} ({one['serves']}): "
            f"{100 * one['accuracy']:.1f} % right, log loss {one['log_loss']:.4f}"
        )
    proven = "better" if compared["log10_e"] >= compared["needed"] else "not proven to be better"
    click.echo(
        f"  the challenger is {proven}: {100 * compared['ahead']:+.2f} points, evidence of "
        f"10^{compared['log10_e']:.1f} where 10^{compared['needed']:.1f} is proof"
    )


def _figures(model: TrainedModel, rows: Dataset) -> dict[str, Any]:
    p_up = model.champion.p_up(rows)
    right = 0.5 + 0.5 * np.sign(p_up - 0.5) * np.where(rows.up, 1, -1)
    return {
        "version": model.version,
        "serves": model.champion.name,
        "accuracy": float(right.mean()),
        "log_loss": log_loss(p_up, rows.up),
    }
