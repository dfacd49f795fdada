"""Models that are ONNX files, run by onnxruntime on one thread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from marketstream.errors import SettingsError
from marketstream.redaction import one_line_of
from predictor.arena.answers import Abstained, p_up_of, three_of
from predictor.arena.fingerprint import digest

_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64}
_ONE = 1
_EXTERNAL = 1  # where a tensor's data are, as TensorProto has it


class OnnxModel:
    """A file with one input of a row of features, and three or two probabilities as its output.

    The row is a float or double tensor (rows, features) of the names in `features`, in that order:
    the file's metadata `features` has them, as JSON or with commas between. The output called
    `probabilities`, or the only one of floats, has down, none and up, or down and up given a move.
    `version` is of all that it is made of, and of the names of its columns; weights in other files
    are refused.
    """

    def __init__(self, name: str, file: Path, features: Sequence[str] | None) -> None:
        self._name, self._file = name, file
        try:
            content = file.read_bytes()
        except OSError as error:
            raise self._error(f"cannot be read ({error.strerror})") from error
        self._session = self._open(content)
        self._input, self._type = self._told_input()
        self._output = self._told_output()
        self.features = self._names(features)
        self.version = digest([content, *map(str.encode, self.features)])
        self._try_out()

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> Sequence[float] | None:
        """Return down, none and up; all horizons are asked alike."""
        del horizon_ms
        given = np.asarray([row], self._type)
        (found,) = self._session.run([self._output], {self._input: given})
        answer = np.asarray(found, np.float64)
        if answer.ndim not in (1, 2) or answer.size != answer.shape[-1]:
            raise ValueError(f"it answers a row with the shape {answer.shape}, not with one row")
        said = answer.reshape(-1).tolist()
        return three_of(said) or said

    def _open(self, content: bytes) -> Any:
        try:
            runtime = import_module("onnxruntime")
        except ImportError as error:
            raise self._error(
                "needs onnxruntime, which is not installed: pip install 'predictor[onnx]'"
            ) from error
        self._check_whole(content)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what is wrong is raised
        try:
            return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise self._error(
                f"is no model that onnxruntime can run ({one_line_of(error)})"
            ) from error

    def _check_whole(self, content: bytes) -> None:
        """Refuse weights in other files: they could change, and the model's hash would not."""
        try:
            onnx = import_module("onnx")
        except ImportError as error:
            raise self._error(
                "needs onnx, which is not installed: pip install 'predictor[onnx]'"
            ) from error
        try:
            model = onnx.load_model_from_string(content)
        except Exception as error:
            raise self._error(
                f"is no model that onnxruntime can run ({one_line_of(error)})"
            ) from error
        if names := sorted(_elsewhere(model)):
            raise self._error(
                f"keeps weights in {', '.join(names)}: write it as one file, with "
                "onnx.save_model(onnx.load(file), file), or by external_data=False where PyTorch "
                "exports it"
            )

    def _told_input(self) -> tuple[str, Any]:
        inputs = self._session.get_inputs()
        if len(inputs) != _ONE or inputs[0].type not in _FLOATS:
            told = ", ".join(f"{each.name} of {each.type}" for each in inputs)
            raise self._error(f"has the inputs {told}: one tensor of floats is needed, a row each")
        return inputs[0].name, _FLOATS[inputs[0].type]

    def _told_output(self) -> str:
        outputs = self._session.get_outputs()
        floats: list[str] = [each.name for each in outputs if each.type in _FLOATS]
        if "probabilities" in floats:
            return "probabilities"
        if len(floats) != _ONE:
            told = ", ".join(f"{o.name} of {o.type}" for o in outputs)
            raise self._error(
                f"has the outputs {told}: a tensor of floats called probabilities is needed, "
                "labels do not say how likely they are; of scikit-learn's models export it with "
                "zipmap off"
            )
        return floats[0]

    def _names(self, features: Sequence[str] | None) -> tuple[str, ...]:
        written = self._session.get_modelmeta().custom_metadata_map.get("features")
        held = None if written is None else _listed(written)
        if held is not None and features is not None and list(features) != held:
            raise self._error(
                f"reads {', '.join(held)} in this order, by its metadata: take `features` out of "
                "the configuration, or write them so"
            )
        names = features if held is None else held
        if not names:
            raise self._error(
                "does not say which features it reads: put them into its metadata as `features`, "
                "or list them in the configuration in the order of its columns"
            )
        width = self._session.get_inputs()[0].shape[-1:]
        if width and isinstance(width[0], int) and width[0] != len(names):
            raise self._error(f"reads {width[0]} columns, and {len(names)} features are named")
        return tuple(names)

    def _try_out(self) -> None:
        """Ask it about a row of zeros: what cannot be run is told now, not at each close."""
        try:
            said = self.probabilities([0.0] * len(self.features), 0)
        except Exception as error:
            raise self._error(f"does not run on a row ({one_line_of(error)})") from error
        if said is None or three_of(said) is None:
            count = 0 if said is None else len(said)
            raise self._error(
                f"answers a row with {count} number{'s' * (count != 1)}: down, none and up are "
                "needed, or down and up given a move; a label, or how likely up is alone, could be "
                "taken for something else"
            )
        taken = p_up_of(said)
        if np.isfinite(said).all() and isinstance(taken, Abstained):
            raise self._error(
                f"answers a row of zeros with {', '.join(f'{each:g}' for each in said)}: "
                f"{taken.what}. Log odds need a softmax in the file"
            )

    def _error(self, what: str) -> SettingsError:
        return SettingsError(f"arena.{self._name}: {self._file} {what}")


def _listed(written: str) -> list[str]:
    try:
        found = json.loads(written)
    except ValueError:
        found = written.split(",")
    return [str(each).strip() for each in found] if isinstance(found, list) else []


def _elsewhere(message: Any) -> set[str]:
    """Return the files that tensors anywhere in a message of ONNX have their data in."""
    if message.DESCRIPTOR.name == "TensorProto":
        held = {each.key: each.value for each in message.external_data}
        return (
            {held.get("location", "another file")} if message.data_location == _EXTERNAL else set()
        )
    found: set[str] = set()
    for field, value in message.ListFields():
        if field.message_type is not None:
            parts = [value] if hasattr(value, "ListFields") else value
            found.update(*(_elsewhere(each) for each in parts))
    return found
