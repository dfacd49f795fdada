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


def leaves(features: tuple[str, ...]) -> None:
    raise SystemExit(3)


def talks(features: tuple[str, ...]) -> None:
    raise OSError(
        "401 of https://weights.example.com/big?token=s3cret\nAuthorization: Bearer s3cret, of "
        "postgresql://me:s3cret@db/weights " + "x" * 10_000
    )


class Fixed:
    """Reads two features in an order of its own, whatever it is given."""

    features = ("imbalance", "flow_1s")

    def __init__(self, features: tuple[str, ...]) -> None:
        self.given = features

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> None:
        return None


class Spelt(Fixed):
    """Names its one feature without a list around it."""

    features = "imbalance"  # type: ignore[assignment]


def nothing(features: tuple[str, ...]) -> object:
    return object()


def onnx_file(
    width: int = 2,
    classes: int = 3,
    features: str | None = '["imbalance", "flow_1s"]',
    *,
    softmax: bool = True,
    stood: bool = False,
    labels: bool = False,
    elsewhere: str | None = None,
) -> bytes:
    """A softmax of a linear model: class i gets i times the first feature.

    Not so without `softmax`; `stood` has its answer in one column, `labels` instead the number of
    the class, and `elsewhere` is a file that has the weights.
    """
    weights = [float(i) if column == 0 else 0.0 for column in range(width) for i in range(classes)]
    values = helper.make_tensor("weights", TensorProto.FLOAT, [width, classes], weights)
    if elsewhere is not None:
        values.ClearField("float_data")
        values.data_location = TensorProto.EXTERNAL
        values.external_data.add(key="location", value=elsewhere)
    nodes = [helper.make_node("MatMul", ["row", "weights"], ["log_odds"])]
    if labels:
        nodes.append(helper.make_node("ArgMax", ["log_odds"], ["probabilities"], axis=1))
    else:
        kind = "Softmax" if softmax else "Identity"
        said = "upright" if stood else "probabilities"
        nodes.append(
            helper.make_node(kind, ["log_odds"], [said], **({"axis": 1} if softmax else {}))
        )
    if stood:
        nodes.append(helper.make_node("Transpose", ["upright"], ["probabilities"], perm=[1, 0]))
    kind_of = TensorProto.INT64 if labels else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("probabilities", kind_of, [None, None])],
        [values],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    if features is not None:
        helper.set_model_props(model, {"features": features})
    if elsewhere is None:
        onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written
