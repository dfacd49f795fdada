"""The fields of a settings model, their environment variables, and what to say of wrong values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from marketstream.nearest import did_you_mean
from marketstream.redaction import hide_passwords

type Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Env:
    """Names the environment variable of a field, in `Annotated[int, Env("NAME")]`."""

    name: str


def env_names(field: FieldInfo) -> list[str]:
    """Return the environment variables of a field: none or one."""
    return [mark.name for mark in field.metadata if isinstance(mark, Env)]


def fields_of(
    model: type[BaseModel], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yield the fields of a model, and of the models in it, each with its key."""
    for name, field in model.model_fields.items():
        key = (*above, name)
        yield key, field
        is_union = get_origin(field.annotation) in (Union, UnionType)
        for part in get_args(field.annotation) if is_union else (field.annotation,):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields_of(part, key)


def explain(
    error: ValidationError,
    model: type[BaseModel],
    values: dict[str, Any],
    sources: dict[Key, str],
    config: Path | None,
) -> list[str]:
    """Return a line for each wrong setting: key, value, where it is from, and what is allowed.

    `sources` says where those values are from that are not from `config`.
    """
    fields: dict[Key, FieldInfo] = dict(fields_of(model))
    lines: dict[Key, str] = {}
    for detail in error.errors(include_url=False):
        key = _key(detail["loc"], values, missing=detail["type"] == "missing")
        message = detail["msg"]
        if key in lines:  # one of several types that the field may have
            lines[key] += f", or: {message}"
            continue
        name = ".".join(map(str, key)) or "settings"
        where = sources.get(_declared(key), str(config) if config else "defaults")
        field = fields.get(_declared(key))
        if detail["type"] == "missing":
            ways = [str(config)] if config else []
            ways += [f"environment variable {variable}" for variable in _names(field)]
            lines[key] = f"{name}: is missing; set it in {' or '.join(ways)}"
        elif detail["type"] == "extra_forbidden":
            known = sorted(str(other[-1]) for other in fields if other[:-1] == key[:-1])
            nearest = did_you_mean(str(key[-1]), known)
            lines[key] = (
                f"{name} ({where}): is not a setting; {nearest}known are {', '.join(known)}"
            )
        else:
            lines[key] = f"{name}{_shown(detail['input'], field)} ({where}): {message}"
    return list(lines.values())


def _key(location: Key, values: Any, *, missing: bool) -> Key:
    """Return the part of an error's location that the values have; the rest names types."""
    key: Key = ()
    for part in location:
        in_list = isinstance(values, list) and isinstance(part, int)
        if not in_list and not (isinstance(values, dict) and part in values):
            return (*key, location[-1]) if missing else key
        values = values[part]
        key = (*key, part)
    return key


def _declared(key: Key) -> Key:
    return tuple(part for part in key if isinstance(part, str))


def _names(field: FieldInfo | None) -> list[str]:
    return [] if field is None else env_names(field)


def _shown(value: Any, field: FieldInfo | None) -> str:
    """Return a value for people; nothing of one that is, or may hold, a secret."""
    if field is None or isinstance(value, dict):
        return ""
    if {SecretStr, SecretBytes} & {field.annotation, *get_args(field.annotation)}:
        return " = **********"
    return f" = {hide_passwords(repr(value))}"
