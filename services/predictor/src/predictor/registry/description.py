"""What MLflow is told of a model: how it was made, how good it is, and what goes in and out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from predictor.registry.names import UNREGISTERED
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainedOn
from predictor.validation.evidence import Evidence, metrics_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_FILE = "model.json"
_DIGEST = 36  # characters: MLflow takes no longer one
_ANSWERS = ("p_up", "p_flat", "p_down", "expected_return", "predicted_price", "low", "high")


def show(
    client: MlflowClient, run_id: str, market: str, model: TrainedModel, evidence: Evidence
) -> None:
    """Write down how good a model is, on what data, and why it serves or does not."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag

    client.log_batch(
        run_id,
        [Metric(name, value, model.trained_at_ms, step)
         for name, value, step in evidence.metrics()],
        tags=[RunTag("verdict", evidence.evaluation.verdict),
              RunTag("promotion", evidence.reason)],
    )  # fmt: skip
    sources = json.dumps(list(evidence.sources))
    data = Dataset(market, evidence.data[:_DIGEST], "local", sources)
    client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    with tempfile.TemporaryDirectory() as folder:
        for name, content in evidence.files().items():
            (Path(folder) / name).write_bytes(content)
        client.log_artifacts(run_id, folder)


def describe(
    client: MlflowClient,
    run_id: str,
    model: TrainedModel,
    trained_on: TrainedOn,
    parameters: Mapping[str, object],
) -> None:
    """Write down what a model was trained on and with, and the numbers of its training."""
    from mlflow.entities import Metric, Param

    parameters = {
        **asdict(trained_on),
        "horizon_ms": model.horizon_ms,
        "latency_ms": model.latency_ms,
        "champion": model.champion.name,
        "level": model.level,
        **parameters,
    }
    metrics = metrics_of(model)
    client.log_batch(
        run_id,
        [Metric(name, value, model.trained_at_ms, 0) for name, value in metrics.items()],
        [Param(name, str(value)) for name, value in parameters.items()],
    )


def tags_of(model: TrainedModel, trained_on: TrainedOn) -> dict[str, str]:
    """Return the tags of a version."""
    tags = {"feature_set": trained_on.feature_set}
    if model.version.startswith(UNREGISTERED):
        tags["served_as"] = model.version
    return tags


def signed(model: TrainedModel, run_id: str) -> str:
    """Return MLflow's description of a model: what goes in, what comes out, and in which file."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    read = [name for each in model.members for name in each.candidate.columns]
    columns = dict.fromkeys((*read, *model.move_columns))
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.double, name, required=False) for name in columns
    ]
    outputs: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, name) for name in _ANSWERS]
    signature = ModelSignature(Schema([*inputs, ColSpec(DataType.double, "mid")]), Schema(outputs))
    flavors = {"predictor": {"data": MODEL_FILE, "format": "predictor.native"}}
    text: str = Model(run_id=run_id, flavors=flavors, signature=signature).to_yaml()
    return text
