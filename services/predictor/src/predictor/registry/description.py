"""What a registered model is described by: its tags, and MLflow's own description of it."""

from __future__ import annotations

from predictor.registry.names import UNREGISTERED
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainedOn

MODEL_FILE = "model.json"
_ANSWERS = ("p_up", "p_flat", "p_down", "expected_return", "predicted_price", "low", "high")


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
