"""`realtime audit-claim`: scores the recipes, and says where the difference comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from marketstream.errors import InputError
from marketstream.skill import COIN, FEWEST_EFFECTIVE
from marketstream.timeframes import horizon_ms, timeframe_ms
from predictor.leakcheck import FAULTS, TOO_FEW_MOVES, Audit, Figure, Scored, audit_claim
from predictor.settings import Learner, PredictorSettings
from predictor.training.prices import choose_label
from realtime_training.commands.evaluate.report import duration, print_data
from realtime_training.commands.evaluate.work import (
    Stage,
    check_features,
    settings_for,
    told_of,
)
from realtime_training.datasets import Recorded


def audited(
    data: Recorded,
    settings: PredictorSettings,
    model: Learner,
    horizon: int,
    faults: Sequence[str],
    *,
    latency_ms: int = 0,
    folds: int | None = None,
    advanced: Stage | None = None,
) -> Audit:
    """Score a learner with every combination of faults.

    Raises InputError where the prices allow no honest label, or too few of them moved.
    """
    check_features(data, settings)
    chosen = settings_for(data, model, settings, folds=folds)
    audit = audit_claim(
        data.table,
        data.prices,
        horizon_ms(horizon, data.timeframe),
        chosen,
        label=choose_label(data.prices),
        latency_ms=latency_ms,
        faults=[fault for fault in FAULTS if fault in faults],
        told=told_of(advanced, f"{model} {horizon} x {data.timeframe}"),
    )
    if audit is None:
        raise InputError(
            f"{len(data.table):,} closes: {TOO_FEW_MOVES}: {FEWEST_EFFECTIVE} prices have to move "
            f"in their later half, to judge by, and {chosen.training.fewest_moved} in each part "
            "that is learnt from: give longer files"
        )
    return audit


def summary(
    data: Recorded, model: Learner, horizon: int, latency_ms: int, audit: Audit
) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "symbol": data.symbol,
        "timeframe": data.timeframe,
        "horizon": horizon,
        "latency_ms": latency_ms,
        "model": model,
        "honest_label": data.label,
        "rows": len(data.table),
        "features": list(data.used),
        "data": data.identity,
        "honest": _told(audit.honest),
        "claim": _told(audit.claim),
        "comes_from": audit.shares,
        "not_there": audit.skipped,
        "recipes": [_told(each) for each in audit.recipes.values()],
    }


def _told(scored: Scored) -> dict[str, Any]:
    return {
        "faults": [fault for fault in FAULTS if fault in scored.faults],
        "claimed": scored.claimed._asdict(),
        "truly": scored.honest._asdict(),
    }


def print_audit(
    data: Recorded, model: Learner, horizon: int, latency_ms: int, audit: Audit
) -> None:
    """Print a row per recipe, and one sentence that says it all."""
    console = Console()
    print_data(console, data, data.label, latency_ms)
    ahead = duration(horizon * timeframe_ms(data.timeframe))
    table = Table("recipe", title=f"{model}, {ahead} ahead, the same closes; shares in %")
    for name in ("claimed", "95 % interval", "truly", "comes from it"):
        table.add_column(name, justify="right")
    table.add_row("honest", *_cells(audit.honest), "")
    for fault, share in audit.shares.items():
        alone = audit.recipes[frozenset({fault})]
        table.add_row(f"  and {fault}", *_cells(alone), f"{100 * share:+.1f}")
    if len(audit.shares) > 1:
        whole = audit.claim.claimed.accuracy - audit.honest.claimed.accuracy
        table.add_row("all of them", *_cells(audit.claim), f"{100 * whole:+.1f}")
    console.print(table)
    for fault, reason in audit.skipped.items():
        says = reason if reason == TOO_FEW_MOVES else f"changes nothing here; {reason}"
        console.print(f"{fault}: {says}", soft_wrap=True)
    console.print(in_words(audit), soft_wrap=True)


def _cells(scored: Scored) -> tuple[str, str, str]:
    claimed = scored.claimed
    interval = f"{100 * claimed.low:.1f}-{100 * claimed.high:.1f}"
    return _share(claimed), interval, _share(scored.honest)


def _share(figure: Figure) -> str:
    return f"{100 * figure.accuracy:.1f}"


def in_words(audit: Audit) -> str:
    """Return what was found as a sentence or two."""
    honest, claim = audit.honest.claimed, audit.claim.claimed
    apart = 100 * (claim.accuracy - honest.accuracy)
    said = (
        f"The recipe claims {_share(claim)} % and the honest one has {_share(honest)} % "
        f"[{100 * honest.low:.1f}, {100 * honest.high:.1f}]"
    )
    if not audit.shares:
        return f"{said}: none of the faults applies to these data."
    parts = sorted(audit.shares.items(), key=lambda each: -each[1])
    named = ", ".join(f"{100 * share:+.1f} {fault}" for fault, share in parts)
    said = f"{said}: {apart:+.1f} points, of which {named}."
    if honest.low > COIN:
        return said
    return f"{said} Honestly scored it is not shown to be better than a coin."
