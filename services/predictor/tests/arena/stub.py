"""Models from outside for tests: entry points by `module:attribute`, and makers of ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import onnx
from onnx import TensorProto, helper


class Follows:
    """Says up as likely as the first feature's sign says, at every horizon alike."""

    def __init__(self, features: tuple[str, ...]) -> None:
        self.features = features[:1]
        self.rows: list[tuple[tuple[float, ...], int]] = []

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> Sequence[float]:
        self.rows.append((tuple(row), horizon_ms))
        return (0.1, 0.2, 0.7) if row[0] > 0 else (0.7, 0.2, 0.1)


class Wild(Follows):
    """Answers what nobody can use, something else each time."""

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> Sequence[float]:
        super().probabilities(row, horizon_ms)
        says: list[Sequence[float]] = [(nan, 0.5, 0.5), (0.9, 0.9, 0.9), (-0.1, 0.1, 1.0), (1.0,)]
        if len(self.rows) % 5 == 4:
            raise RuntimeError(f"row {row}")
        return says[len(self.rows) % 5]


class Elsewhere:
    """Reads a feature that there is not."""

    def __init__(self, features: tuple[str, ...]) -> None:
        self.features = ("imbalanse",)

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> None:
        return None


def fails(features: tuple[str, ...]) -> None:
    raise OSError("no weights")


def nothing(features: tuple[str, ...]) -> object:
    return object()


def onnx_file(
    width: int = 2, classes: int = 3, features: str | None = '["imbalance", "flow_1s"]'
) -> bytes:
    """A softmax of a linear model: class i gets i times the first feature."""
    weights = [float(i) if column == 0 else 0.0 for column in range(width) for i in range(classes)]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["row", "weights"], ["log_odds"]),
            helper.make_node("Softmax", ["log_odds"], ["probabilities"], axis=1),
        ],
        "linear",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [width, classes], weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    if features is not None:
        helper.set_model_props(model, {"features": features})
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written
