"""Every schema, and whatever a route answers, has an example that is one of its schema."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped,unused-ignore]
import pytest

from prediction_api.routes.examples.answers import OF_ANSWERS

from .conftest import Api
from .test_schema import OTHER, asked

__all__ = ["asked"]  # a fixture

PATHS = {"/udf/search": "?query=KRAKEN", "/udf/symbols": f"?symbol={OTHER}"} | {
    "/udf/history": f"?symbol={OTHER}&resolution=1S&from=1&to=1000&countback=3"
}


@pytest.fixture
def schema(api: Api) -> Any:
    return api.client.get("/openapi.json").json()


def wrong(schema: Any, told: Any, example: object) -> Iterator[str]:
    """Yield what is wrong with an example of a schema, which refers to the whole document's."""
    check = jsonschema.Draft202012Validator({**told, "components": schema["components"]})
    for error in check.iter_errors(example):
        yield f"{error.json_path}: {error.message}"


def answers(schema: Any) -> Iterator[tuple[str, str, str, Any]]:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                for kind, told in answer.get("content", {}).items():
                    yield path, status, kind, told


def test_every_schema_has_an_example_of_its_own(schema: Any) -> None:
    schemas = schema["components"]["schemas"]
    assert len(schemas) > 30
    without = [name for name, told in schemas.items() if len(told.get("examples", [])) != 1]
    assert without == []
    for name, told in schemas.items():
        assert list(wrong(schema, told, told["examples"][0])) == [], name
        if "properties" in told:
            assert told["examples"][0].keys() == told["properties"].keys(), name


def test_whatever_a_route_answers_has_an_example(schema: Any) -> None:
    told = list(answers(schema))
    assert len({path for path, _, _, _ in told}) == len(schema["paths"])
    for path, status, kind, answer in told:
        if status != "200" and "problem" not in kind:
            continue  # the same, where things are bad
        assert "example" in answer, f"{path} {status} {kind}"
        assert list(wrong(schema, answer.get("schema", {}), answer["example"])) == [], path


def test_examples_of_rows_have_the_columns_of_their_csv(schema: Any) -> None:
    content = schema["paths"]["/candles/{symbol}"]["get"]["responses"]["200"]["content"]
    (row,) = csv.DictReader(content["text/csv"]["example"].splitlines())
    assert float(row["close"]) == content["application/json"]["example"]["rows"][0]["close"]


@pytest.mark.parametrize("path", [path for path in OF_ANSWERS if "stream" not in path])
def test_an_example_that_no_schema_holds_has_the_fields_of_the_answer(
    asked: Api, path: str
) -> None:
    answer = asked.client.get(path.replace("{symbol}", "kraken/BTC-USDT") + PATHS.get(path, ""))
    assert answer.status_code == 200
    example = OF_ANSWERS[path]
    if isinstance(example, str):
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text.isdecimal() == example.isdecimal()
        return
    assert fields(example) == fields(answer.json())


def fields(told: Any) -> object:
    """Return the names in an answer; those of markets and horizons are not its own."""
    if isinstance(told, list):
        return fields(told[0]) if told and isinstance(told[0], dict) else []
    if not isinstance(told, dict):
        return None
    own = {name: value for name, value in told.items() if ":" not in name and not name.isdigit()}
    return {name: fields(value) if isinstance(value, dict) else None for name, value in own.items()}


def test_routes_are_in_groups_that_are_described_and_have_a_name_each(schema: Any) -> None:
    groups = {each["name"] for each in schema["tags"] if each["description"]}
    operations = [
        (method, operation)
        for path in schema["paths"].values()
        for method, operation in path.items()
    ]
    assert {tag for _, operation in operations for tag in operation["tags"]} == groups
    names = [(method, operation["summary"]) for method, operation in operations]
    assert len(set(names)) == len(names)
    assert ("get", "Predictions history of a symbol at an exchange") in names
