"""Whether a recipe has the shape that `schemas/recipe.schema.json` asks for: quickly, and then with what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

SCHEMA = "recipe.schema.json"


def recipe_schema() -> Any:
    """The schema of a recipe as it is published, which is the caller's to change."""
    folder = Path(import_module("runner.schemas").__path__[0])
    return json.loads((folder / SCHEMA).read_text(encoding="utf-8"))


def fits(data: Any) -> bool:
    """Whether a recipe is surely of the right shape. Most are, and to know no more than that is ten times as fast."""
    from jsonschema_rs import Draft202012Validator

    # `3.0` is an integer to JSON Schema, and none in a recipe: it is left to the validator that is told so.
    return not _has_whole_decimal(data) and Draft202012Validator(recipe_schema()).is_valid(data)


def _has_whole_decimal(tree: Any) -> bool:
    if isinstance(tree, dict | list):
        return any(map(_has_whole_decimal, tree.values() if isinstance(tree, dict) else tree))
    return isinstance(tree, Decimal) and tree == tree.to_integral_value()


@cache
def recipe_validator() -> Any:
    """The validator, built on first use."""
    return validator(recipe_schema())


def steps_schema() -> Any:
    """The schema of a file of steps, which recipes include."""
    return of_a_file(recipe_schema())


def of_a_file(whole: Any) -> Any:
    """The schema of a file of steps, taken from one of recipes."""
    return {"$schema": whole["$schema"], "$ref": "#/$defs/steps_file", "$defs": whole["$defs"]}


@cache
def steps_validator() -> Any:
    """The validator of files of steps, built on first use."""
    return validator(steps_schema())


def validator(schema: Any) -> Any:
    """What checks a recipe against a schema, with its exact numbers. Importing jsonschema takes its time."""
    from jsonschema import Draft202012Validator, validators

    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": is_number, "integer": _is_integer}
    )
    extend: Callable[..., Any] = validators.extend
    return extend(Draft202012Validator, type_checker=checker)(schema)


def is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
