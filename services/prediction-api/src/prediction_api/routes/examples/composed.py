"""Examples in `/openapi.json`: of every schema, and of what every route answers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from prediction_api.routes.answers import JSON
from prediction_api.routes.arrow import ARROW
from prediction_api.routes.examples.answers import OF_ANSWERS
from prediction_api.routes.examples.fields import NAMES, OF_FIELDS
from prediction_api.routes.pages import CSV, as_csv


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], *names: str) -> Any:
    """Return an example of a schema, which may refer to others by `$ref`.

    `names` are what the schema may be known by, the narrowest first; raises LookupError where a
    field has no example.
    """
    for name in names:
        if name in OF_FIELDS:
            return OF_FIELDS[name]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example_of(schemas[name], schemas, name)
    if "anyOf" in schema:
        told = next(each for each in schema["anyOf"] if each.get("type") != "null")
        return example_of(told, schemas, *names)
    if "properties" in schema:
        owner = names[0] if names else ""
        return {
            field: example_of(told, schemas, f"{owner}.{field}", field)
            for field, told in schema["properties"].items()
        }
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if isinstance(schema.get("additionalProperties"), dict):
        return {NAMES[names[-1]]: example_of(schema["additionalProperties"], schemas)}
    raise LookupError(f"no example of {' or '.join(names)}")


def add_examples(schemas: dict[str, Any]) -> None:
    """Give each schema of the components its example, where its fields have one."""
    for name, schema in schemas.items():
        with suppress(LookupError):
            schema["examples"] = [example_of(schema, schemas, name)]


def add_answer_example(path: str, operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give the main answer of a route an example, where it has none of its own."""
    content = operation["responses"]["200"].get("content", {})
    known = OF_ANSWERS.get(path.replace("{venue}/", ""))
    for told in content.values():
        if "example" in told:
            continue
        with suppress(LookupError):
            schema = told.get("schema", {})
            told["example"] = example_of(schema, schemas, path) if known is None else known
    if ARROW in content:
        content[ARROW]["example"] = "the bytes of an Arrow IPC stream"
    if CSV in content and "example" in content[JSON]:
        content[CSV]["example"] = as_csv(content[JSON]["example"]["rows"])
