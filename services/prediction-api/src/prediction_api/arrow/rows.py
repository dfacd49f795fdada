"""Rows of the API as columns: what CSV has, in the same order, typed as the rows are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect

from prediction_api.arrow.stream import Column, Kind

_KINDS: dict[type[inspect.Type], Kind] = {
    inspect.IntType: "int",
    inspect.FloatType: "float",
    inspect.BoolType: "bool",
    inspect.StrType: "text",
    inspect.LiteralType: "text",
}


def columns_of(kind: type[msgspec.Struct], rows: Sequence[Any]) -> list[Column]:
    """Return a column for each plain field of a kind of row, and for each of `values` by name.

    What else has parts of its own is left out. Without rows there are the columns of the fields.
    """
    columns = []
    for field in msgspec.structs.fields(kind):
        if field.name == "values":
            names = dict.fromkeys(name for row in rows for name in row.values)
            columns += [
                Column(name, "float", [row.values.get(name) for row in rows]) for name in names
            ]
        elif (plain := _kind_of(inspect.type_info(field.type))) is not None:
            values = [getattr(row, field.name) for row in rows]
            columns.append(Column(field.name, plain, values))
    return columns


def _kind_of(told: inspect.Type) -> Kind | None:
    """Return what a type of field is, null or not; None for what has parts of its own."""
    if isinstance(told, inspect.UnionType):
        (told, *others) = [one for one in told.types if not isinstance(one, inspect.NoneType)]
        if others:
            return None
    return _KINDS.get(type(told))
