"""A candidate as an ONNX graph: reference, correction, calibration and all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marketstream.errors import InputError
from predictor.exporting.trees import own_trees, text_trees, tree_attributes, xgboost_trees
from predictor.models import Classifier
from predictor.models.lightgbm import Trees
from predictor.models.logistic import FARTHEST, Logistic
from predictor.models.parts.calibrated_imbalance import CalibratedImbalance
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.models.parts.trees import Tree, TreeEnsemble
from predictor.models.xgboost import XgboostTrees
from predictor.training.calibration import SURE, Calibrated
from predictor.training.candidates import Candidate
from predictor.training.correction import Corrected

_OPSET, _ML_OPSET, _IR = 17, 3, 10


def onnx_of(candidate: Candidate, told: Mapping[str, str]) -> bytes:
    """Return a candidate as an ONNX file: a row of doubles in, down and up given a move out.

    Its metadata hold `features`, the columns in order, and what is `told`. What is unknown (NaN)
    counts as it does in the model. InputError where `onnx` is not installed, or there is no graph
    for its kind.
    """
    try:
        import onnx
        from onnx import helper
    except ImportError as error:
        raise InputError("onnx is not installed: pip install 'predictor[onnx]'") from error
    graph = _Graph(helper, onnx.TensorProto)
    up = graph.probability(candidate.up, "row")
    down = graph.op("Sub", graph.number(1.0), up)
    graph.op("Concat", down, up, axis=1, output="probabilities")
    double = onnx.TensorProto.DOUBLE
    made = helper.make_graph(
        graph.nodes,
        candidate.name,
        [helper.make_tensor_value_info("row", double, [None, len(candidate.columns)])],
        [helper.make_tensor_value_info("probabilities", double, [None, 2])],
        graph.constants,
    )
    model = helper.make_model(
        made,
        opset_imports=[
            helper.make_opsetid("", _OPSET),
            helper.make_opsetid("ai.onnx.ml", _ML_OPSET),
        ],
        ir_version=_IR,
        producer_name="realtime-training",
    )
    helper.set_model_props(model, {"features": json.dumps(list(candidate.columns)), **told})
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


class _Graph:
    """Nodes as they are added; every value is a column of doubles, but for rows."""

    def __init__(self, helper: Any, types: Any) -> None:
        self._helper, self._types = helper, types
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def probability(self, classifier: Classifier, rows: str) -> str:
        """Return the name of a classifier's probabilities of rows."""
        for kind, made in _KINDS:
            if isinstance(classifier, kind):
                return made(self, classifier, rows)
        raise InputError(
            f"a {type(classifier).__name__} has no ONNX form: choose another candidate, or add its "
            "kind to predictor/exporting/graph.py"
        )

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of what comes out."""
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        domain = "ai.onnx.ml" if kind.startswith("TreeEnsemble") else ""
        self.nodes.append(
            self._helper.make_node(kind, list(inputs), [name], domain=domain, **attributes)
        )
        return name

    def number(self, *values: float, shape: tuple[int, ...] = ()) -> str:
        """Return the name of a constant of doubles."""
        return self._constant(self._types.DOUBLE, values, shape)

    def columns(self, rows: str, chosen: Sequence[int]) -> str:
        """Return the name of some columns of rows."""
        integer = self._types.INT64
        return self.op("Gather", rows, self._constant(integer, chosen, (len(chosen),)), axis=1)

    def cast(self, value: str, *, double: bool) -> str:
        """Return the name of a value as doubles, or as floats."""
        kind = self._types.DOUBLE if double else self._types.FLOAT
        return self.op("Cast", value, to=kind)

    def clip(self, value: str, low: float, high: float) -> str:
        """Return the name of a value within bounds."""
        return self.op("Clip", value, self.number(low), self.number(high))

    def known(self, value: str) -> str:
        """Return the name of a value, 0 where it is unknown."""
        return self.op("Where", self.op("IsNaN", value), self.number(0.0), value)

    def log_odds(self, p: str) -> str:
        """Return the name of the log odds of probabilities, as calibration.py has them."""
        p = self.clip(p, SURE, 1 - SURE)
        against = self.op("Sub", self.number(1.0), p)
        return self.op("Sub", self.op("Log", p), self.op("Log", against))

    def logistic(self, odds: str) -> str:
        """Return the name of the probabilities of log odds."""
        half = self.op("Tanh", self.op("Mul", odds, self.number(0.5)))
        return self.op("Add", self.op("Mul", half, self.number(0.5)), self.number(0.5))

    def trees(self, rows: str, trees: Sequence[Tree], start: float, mode: str) -> str:
        """Return the name of the sum of trees, `start` among it."""
        attributes = tree_attributes(self._helper, self._types.DOUBLE, trees, mode)
        total = self.cast(self.op("TreeEnsembleRegressor", rows, **attributes), double=True)
        return self.op("Add", total, self.number(start))

    def _constant(self, kind: int, values: Sequence[float], shape: tuple[int, ...]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(self._helper.make_tensor(name, kind, shape, list(values)))
        return name


def _logistic(graph: _Graph, model: Logistic, rows: str) -> str:
    width = len(model.weights)
    away = graph.op("Sub", rows, graph.number(*model.mean, shape=(1, width)))
    away = graph.op("Div", away, graph.number(*model.scale, shape=(1, width)))
    away = graph.clip(graph.known(away), -FARTHEST, FARTHEST)
    z = graph.op("MatMul", away, graph.number(*model.weights, shape=(width, 1)))
    return graph.logistic(graph.op("Add", z, graph.number(model.intercept)))


def _sign(graph: _Graph, model: ImbalanceSign, rows: str) -> str:
    side = graph.op("Sign", graph.known(graph.columns(rows, (0,))))
    told = graph.op("Mul", side, graph.number(model.hit_rate - 0.5))
    return graph.op("Add", told, graph.number(0.5))


def _calibrated_imbalance(graph: _Graph, model: CalibratedImbalance, rows: str) -> str:
    side = graph.clip(graph.known(graph.columns(rows, (0,))), -1.0, 1.0)
    curve = graph.op("Mul", side, graph.op("Abs", side))
    return graph.logistic(
        graph.op(
            "Add",
            graph.op("Mul", side, graph.number(model.slope)),
            graph.op("Mul", curve, graph.number(model.curve)),
        )
    )


def _calibrated(graph: _Graph, model: Calibrated, rows: str) -> str:
    odds = graph.log_odds(graph.probability(model.classifier, rows))
    return graph.logistic(graph.op("Mul", odds, graph.number(model.slope)))


def _corrected(graph: _Graph, model: Corrected, rows: str) -> str:
    base = graph.log_odds(graph.probability(model.reference, graph.columns(rows, model.reads)))
    if model.share:
        read = graph.columns(rows, range(model.width))
        added = graph.log_odds(graph.probability(model.correction, read))
        if model.stacked:
            added = graph.op("Sub", added, base)
        base = graph.op("Add", base, graph.op("Mul", added, graph.number(model.share)))
    return graph.logistic(base)


def _lightgbm(graph: _Graph, model: Trees, rows: str) -> str:
    trees, slope = text_trees(model.text)
    odds = graph.trees(rows, trees, 0.0, "BRANCH_LEQ")
    return graph.logistic(graph.op("Mul", odds, graph.number(slope)))


def _own(graph: _Graph, model: TreeEnsemble, rows: str) -> str:
    total = graph.trees(rows, own_trees(model), model.start, "BRANCH_LEQ")
    if model.link == "logistic":
        return graph.logistic(total)
    return graph.op("Div", total, graph.number(float(max(1, len(model.roots)))))


def _xgboost(graph: _Graph, model: XgboostTrees, rows: str) -> str:
    trees, start = xgboost_trees(model.booster.save_raw("json").decode())
    asked = graph.cast(graph.cast(rows, double=False), double=True)  # it compares 32 bits
    return graph.logistic(graph.trees(asked, trees, start, "BRANCH_LT"))


_KINDS: tuple[tuple[type, Callable[[_Graph, Any, str], str]], ...] = (
    (Logistic, _logistic),
    (ImbalanceSign, _sign),
    (CalibratedImbalance, _calibrated_imbalance),
    (Calibrated, _calibrated),
    (Corrected, _corrected),
    (Trees, _lightgbm),
    (TreeEnsemble, _own),
    (XgboostTrees, _xgboost),
)
