"""What people who look a version up in MLflow read first: a model card (Mitchell et al. 2019)."""

from __future__ import annotations

from marketstream.moments import iso
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainedOn
from predictor.validation.evidence import Evidence

_MOST_NAMED = 60  # MLflow takes 5,000 characters
_PRICES = {
    "mid": "the middle of the book",
    "fair": "the mean of the next prices bought and sold at, since there were no quotes",
    "close": "the last trade's price, which bounces between bid and ask",
}


def card_of(model: TrainedModel, trained_on: TrainedOn, evidence: Evidence | None) -> str:
    """Return the card of a version, in Markdown."""
    seconds = f"{model.horizon_ms / 1_000:g} s"
    features = dict.fromkeys(name for each in model.members for name in each.candidate.columns)
    losses = sorted(model.validation.items(), key=lambda each: each[1])
    lines = [
        f"**{trained_on.market}, {seconds} ahead of closes of {trained_on.timeframe}**: how likely "
        "the price is up, unchanged or down by then, and in which bounds it will be.",
        "",
        f"- **Trained** on {model.rows:,} rows of closes from {iso(trained_on.first_close_ms)} to "
        f"{iso(trained_on.last_close_ms)}. The price is {_PRICES[trained_on.label]}, outcomes "
        f"begin {model.latency_ms} ms after a close.",
        f"- **Reads** {len(features)} features of the set {trained_on.feature_set or 'unnamed'}: "
        f"{_listed(list(features))}.",
        f"- **Candidates**: {', '.join(each.model.partition(':')[0] for each in model.members)}. "
        f"Best on later rows was {model.champion.name}; what serves is their average, unless the "
        "settings say otherwise.",
        "- **Judged** on later rows, log loss of up against down (a coin has 0.6931): "
        + ", ".join(f"{name} {loss:.4f}" for name, loss in losses)
        + ".",
        f"- **Bounds** hold {model.level:.0%} of prices, as far as what comes is like what came.",
    ]
    if evidence is not None:
        lines.append(f"- **Verdict**: {evidence.evaluation.verdict}. {evidence.reason}.")
    lines += [
        "",
        "Not for other markets, horizons or features. Right more often than not is not a profit: "
        "a position pays spread and fee. How good it has been since is told by "
        "`realtime models show`.",
    ]
    return "\n".join(lines)


def _listed(names: list[str]) -> str:
    named = ", ".join(names[:_MOST_NAMED])
    return named if len(names) <= _MOST_NAMED else f"{named} and {len(names) - _MOST_NAMED} more"
