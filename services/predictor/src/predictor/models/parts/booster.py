"""LightGBM's trees served by its C library alone, one row at a time ten times as fast as `predict`.

Its Python package is for training: it imports scikit-learn and SciPy, for which no prediction of a
process that has just started should wait.
https://lightgbm.readthedocs.io/en/latest/C-API.html (`LGBM_BoosterPredictForMat`,
`LGBM_BoosterPredictForMatSingleRowFast`)
"""

from __future__ import annotations

import ctypes
import importlib.util
import weakref
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from functools import cache
from struct import Struct

import numpy as np

from marketstream.columns import Floats
from predictor.models.parts.forest import Flat, flattened

_FLOAT64 = 1
_ROW_BY_ROW = 1
_NORMAL = 0  # the objective's own scale: a probability
_CONTRIBUTIONS = 3
_ALL_TREES = -1
_ONE_THREAD = b"num_threads=1"


class Booster:
    """Trees of a binary objective, read from LightGBM's model text; not for several threads.

    Both ways to ask give the bits that `lightgbm.Booster.predict` gives. Raises ValueError for a
    text that is none, unless it is damaged such that LightGBM ends the whole process.
    """

    def __init__(self, text: str, flat: Flat | None = None) -> None:
        self.text = text
        self._flat, self._is_flat = flat, flat is not None
        library = _library()
        self._predict = library.LGBM_BoosterPredictForMatSingleRowFast
        self._handle, fast, columns = c_void_p(), c_void_p(), c_int()
        raw = text.encode()
        _checked(library.LGBM_BoosterLoadModelFromString(raw, byref(c_int()), byref(self._handle)))
        _checked(library.LGBM_BoosterGetNumFeature(self._handle, byref(columns)))
        self._columns = columns.value
        _checked(
            library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, c_int(_NORMAL), c_int(0), c_int(_ALL_TREES), c_int(_FLOAT64),
                c_int32(self._columns), c_char_p(_ONE_THREAD), byref(fast),
            )
        )  # fmt: skip
        weakref.finalize(self, _free, self._handle, fast)
        self._fast, self._length = fast, byref(c_int64())
        self._answer = c_double()
        self._at_answer = byref(self._answer)
        self._pack = Struct(f"{self._columns}d").pack

    def probability(self, rows: Floats) -> Floats:
        """Return the probability of the class for each row; ValueError where columns lack."""
        if rows.shape[1] != self._columns:
            raise ValueError(f"rows of {rows.shape[1]} columns, and the trees ask {self._columns}")
        rows = np.ascontiguousarray(rows, np.float64)
        answers, length = np.empty(len(rows)), c_int64()
        if not len(rows):
            return answers
        _checked(
            _library().LGBM_BoosterPredictForMat(
                self._handle, c_void_p(rows.ctypes.data), c_int(_FLOAT64),
                c_int32(len(rows)), c_int32(self._columns), c_int(_ROW_BY_ROW),
                c_int(_NORMAL), c_int(0), c_int(_ALL_TREES), c_char_p(_ONE_THREAD),
                byref(length), c_void_p(answers.ctypes.data),
            )
        )  # fmt: skip
        return answers

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return what each column adds to the log odds of a row: its SHAP value.

        Exact for trees (Lundberg, Erion and Lee 2018, arXiv:1802.03888).
        """
        answers, length = np.empty(self._columns + 1), c_int64()
        values = np.ascontiguousarray(row, np.float64)
        _checked(
            _library().LGBM_BoosterPredictForMat(
                self._handle, c_void_p(values.ctypes.data), c_int(_FLOAT64),
                c_int32(1), c_int32(self._columns), c_int(_ROW_BY_ROW),
                c_int(_CONTRIBUTIONS), c_int(0), c_int(_ALL_TREES), c_char_p(_ONE_THREAD),
                byref(length), c_void_p(answers.ctypes.data),
            )
        )  # fmt: skip
        return [float(each) for each in answers[:-1]]

    @property
    def flat(self) -> Flat | None:
        """The trees for a forest, found once; None where they can only be asked here."""
        if not self._is_flat:
            self._flat, self._is_flat = flattened(self.text), True
        return self._flat

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row."""
        if len(row) != self._columns:
            raise ValueError(f"a row of the size {len(row)}, and the trees ask {self._columns}")
        code = self._predict(self._fast, self._pack(*row), self._length, self._at_answer)
        if code:
            _checked(code)
        return self._answer.value


@cache
def _library() -> ctypes.CDLL:
    """Return the library as the package finds it, without the package."""
    package = importlib.util.find_spec("lightgbm")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = f"{package.submodule_search_locations[0]}/libpath.py"
    found = importlib.util.spec_from_file_location("lightgbm_libpath", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    library: ctypes.CDLL = vars(module)["_LIB"]
    library.LGBM_GetLastError.restype = c_char_p
    return library


def _free(handle: c_void_p, fast: c_void_p) -> None:
    _library().LGBM_FastConfigFree(fast)
    _library().LGBM_BoosterFree(handle)


def _checked(code: int) -> None:
    if code != 0:
        raise ValueError(_library().LGBM_GetLastError().decode())
