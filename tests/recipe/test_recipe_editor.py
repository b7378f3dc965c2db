"""The schema for editors: what it refuses is wrong, and what it offers is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.catalogue import Catalogue, shipped_apis
from runner.recipe.editor import editor_schema
from runner.recipe.validator import validator
from runner.source import parse, read

HERE = Path(__file__).parent
EVERY_API = Catalogue({**shipped_apis(), "shop": HERE / "shop.openapi.yaml"})
OPERATIONS = [operation for api in EVERY_API for operation in EVERY_API[api].operations.values()]
SCHEMA = editor_schema(OPERATIONS)
RIGHT = [*HERE.parents[1].glob("recipes/*.yaml"), *HERE.parent.glob("golden/ok/*.yaml")]

STEP = """\
recipe: 1
name: editor
steps:
  - id: order
    use: {use}
    with: {arguments}
"""
ORDER = "customer_id: 1, reference: R-1"


def refused(text: str) -> list[tuple[str, str]]:
    """The places of a recipe that the schema refuses, and by which of its keywords."""
    errors = validator(SCHEMA).iter_errors(parse(text, file="editor.yaml").data)
    return [
        (".".join(str(part) for part in error.absolute_path), str(error.validator))
        for error in errors
    ]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_recipe_that_is_right_is_never_underlined(path: Path) -> None:
    errors = [error.message for error in validator(SCHEMA).iter_errors(read(path).data)]
    assert errors == []


@pytest.mark.parametrize(
    ("use", "arguments", "place"),
    [
        ("shop.creat_order", "{}", "steps.0.use"),
        ("shop.create_order", f"{{{ORDER}, referense: x}}", "steps.0.with"),
        ("shop.create_order", "{reference: R-1}", "steps.0.with"),
        ("shop.create_order", "{customer_id: twelve, reference: R-1}", "steps.0.with.customer_id"),
        ("shop.create_order", f"{{{ORDER}, rush: perhaps}}", "steps.0.with.rush"),
        ("syncore.create_job", "{client: {id: twelve}}", "steps.0.with.client.id"),
        (
            "deconetwork.find_purchase_orders",
            "{conditions: [{field: colour, is: after}]}",
            "steps.0.with.conditions",
        ),
    ],
)
def test_what_an_operation_does_not_take_is_underlined(
    use: str, arguments: str, place: str
) -> None:
    found = refused(STEP.format(use=use, arguments=arguments))
    assert place in {where for where, _ in found}


@pytest.mark.parametrize(
    "arguments",
    [
        f"{{{ORDER}}}",
        "{customer_id: '12', reference: 12}",
        '{customer_id: "{{ vars.customer }}", reference: "{{ vars.reference }}"}',
        f"{{{ORDER}, rush: null}}",
        f'{{{ORDER}, rush: "{{{{ vars.rush }}}}"}}',
    ],
)
def test_a_template_may_stand_anywhere(arguments: str) -> None:
    assert refused(STEP.format(use="shop.create_order", arguments=arguments)) == []


def test_searches_are_offered_where_searches_belong() -> None:
    def offered(definition: str) -> set[str]:
        named: list[dict[str, Any]] = SCHEMA["$defs"][definition]["anyOf"]
        return {each["const"] for each in named}

    assert "syncore.create_job" in offered("operation")
    assert offered("search") < offered("operation")
    assert "syncore.create_job" not in offered("search")
    recipe = STEP.format(use="shop.create_order", arguments=f"{{{ORDER}}}")
    recipe += "    unless_found: {use: shop.create_order}\n"
    assert ("steps.0.unless_found.use", "anyOf") in refused(recipe)
