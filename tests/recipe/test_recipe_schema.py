"""The schema that editors read: valid, closed, described, and every one of its rules worded for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.problems import InvalidError
from runner.recipe import model, schema_errors, validator
from runner.source import parse, read

GOLDEN = Path(__file__).parent.parent / "golden"
SCHEMA: dict[str, Any] = json.loads(
    resources.files("runner.schemas").joinpath(validator.SCHEMA).read_bytes()
)
NO_RULE = {
    "$ref",
    "if",
    "then",
    "else",
    "items",
    "properties",
    "additionalProperties",
    "propertyNames",
    "required",
    "anyOf",  # what stands in place of a key that is required
}
WORDED = set(schema_errors.WORDINGS)
NOTES = {"$schema", "$defs", "title", "description", "patternErrorMessage", "deprecated"}


def schemas(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside the schema_errors, with its path."""
    yield path, node
    for key in ("properties", "$defs"):
        for name, child in node.get(key, {}).items():
            yield from schemas(child, f"{path}/{key}/{name}")
    for key in ("items", "additionalProperties", "propertyNames", "if", "then", "else"):
        if isinstance(node.get(key), dict):
            yield from schemas(node[key], f"{path}/{key}")


ALL = dict(schemas(SCHEMA))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", ALL)
def test_every_rule_has_its_words(path: str) -> None:
    assert set(ALL[path]) - NO_RULE - NOTES <= WORDED


@pytest.mark.parametrize("path", [path for path in ALL if path.split("/")[-2:-1] == ["properties"]])
def test_every_key_is_described(path: str) -> None:
    node = ALL[path]
    described = (
        node if "description" in node else ALL["/" + node.get("$ref", "#/").removeprefix("#/")]
    )
    assert described["description"].endswith((".", "]", ")")), path
    assert described["description"][0].isupper()


def test_every_object_is_closed() -> None:
    free = {"/$defs/arguments"}
    for path, node in ALL.items():
        if "properties" in node:
            assert node["additionalProperties"] is False, path
        elif node.get("type") == "object" and not path.endswith("/if"):
            assert "additionalProperties" in node or path in free, path


def test_patterns_say_what_they_want() -> None:
    for path, node in ALL.items():
        assert ("pattern" in node and "properties" not in node) == (
            "patternErrorMessage" in node
        ), path


def test_on_error_and_retry_are_those_of_the_model() -> None:
    step = SCHEMA["$defs"]["step"]["properties"]
    assert model.ON_ERROR in step["on_error"]["enum"]
    assert step["retry"]["minimum"] <= model.RETRIES <= step["retry"]["maximum"]


def test_numbers_with_a_fraction_are_numbers() -> None:
    text = "recipe: 1\nname: a\nvars: {a: 1.5}\nrows: {columns: {a: {minimum: 0.01}}}\nsteps: [{id: a, use: a.b}]\n"
    assert schema_errors.check(parse(text, file="a.yaml")) == ([], frozenset())


def test_a_number_with_a_fraction_is_no_whole_number() -> None:
    text = "recipe: 1\nname: a\nsteps: [{id: a, use: a.b, retry: 3.0}]\n"
    (problem,), broken = schema_errors.check(parse(text, file="a.yaml"))
    assert problem.message == "'retry' has to be a whole number, not a number"
    assert broken == {("steps", 0, "retry")}


def test_a_missing_key_is_folded_into_the_misspelt_one() -> None:
    text = "recipe: 1\nname: a\nstep: [{id: a, use: a.b}]\n"
    (problem,), _ = schema_errors.check(parse(text, file="a.yaml"))
    assert (problem.message, problem.remedy) == ("unknown key 'step'", "did you mean 'steps'?")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_the_quick_answer_is_that_of_the_validator_that_tells_why(path: Path) -> None:
    try:
        source = read(path)
    except InvalidError:
        pytest.skip("no YAML")
    if source.data is None:
        pytest.skip("empty")
    assert validator.fits(source.data) == (schema_errors.all_that_is_wrong(source)[0] == [])


def test_a_whole_number_is_written_without_a_point() -> None:
    source = parse("recipe: 1\nname: x\nsteps:\n- {id: a, use: x.y, retry: 3.0}\n", file="r.yaml")
    assert not validator.fits(source.data)
    ((problem,), _) = schema_errors.check(source)
    assert problem.message == "'retry' has to be a whole number, not a number"


def test_every_required_key_has_an_example() -> None:
    """What is missing is told with what to write."""

    def required(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from node.get("required", ()) if isinstance(node.get("required"), list) else ()
            for each in node.values():
                yield from required(each)
        elif isinstance(node, list):
            for each in node:
                yield from required(each)

    schema = json.loads(
        resources.files("runner.schemas").joinpath("recipe.schema.json").read_text("utf-8")
    )
    assert {*required(schema)} <= schema_errors.EXAMPLES.keys()
