"""Validators of recipes against `schemas/recipe.schema.json`: a quick one, and one that reports errors."""

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
    """Return the schema of a recipe as it is published, which is the caller's to change."""
    folder = Path(import_module("runner.schemas").__path__[0])
    return json.loads((folder / SCHEMA).read_text(encoding="utf-8"))


def fits(data: Any) -> bool:
    """Return True where a recipe is surely valid. Most are, and this check alone is ten times as fast."""
    from jsonschema_rs import Draft202012Validator

    # `3.0` is an integer to JSON Schema, and none in a recipe: it is left to the validator that is told so.
    return not _has_whole_decimal(data) and Draft202012Validator(recipe_schema()).is_valid(data)


def _has_whole_decimal(tree: Any) -> bool:
    if isinstance(tree, dict | list):
        return any(map(_has_whole_decimal, tree.values() if isinstance(tree, dict) else tree))
    return isinstance(tree, Decimal) and tree == tree.to_integral_value()


@cache
def recipe_validator() -> Any:
    """Return the validator, built on first use."""
    return validator(recipe_schema())


def steps_schema() -> Any:
    """Return the schema of a file of steps, which recipes include."""
    return of_a_file(recipe_schema())


def of_a_file(whole: Any) -> Any:
    """Return the schema of a file of steps, taken from one of recipes."""
    return {"$schema": whole["$schema"], "$ref": "#/$defs/steps_file", "$defs": whole["$defs"]}


@cache
def steps_validator() -> Any:
    """Return the validator of files of steps, built on first use."""
    return validator(steps_schema())


def validator(schema: Any) -> Any:
    """Return a validator for recipes, whose numbers are exact. Importing jsonschema is slow, so it is done here."""
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
