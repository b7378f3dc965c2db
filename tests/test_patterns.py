"""Patterns of recipes and documents: what they match, what is refused, and that none of them takes for ever."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from corpora import bounded_runner, cases

from runner.catalogue import violations
from runner.patterns import PatternError, allows, matcher

TEXT = "a" * 40 + "!"

RECIPE = """\
recipe: 1
name: patterns
rows: {{key: "{{{{ row.ref }}}}", columns: {{ref: {{from: ref, pattern: {pattern}}}}}}}
steps:
  - {{id: contact, use: shop.create_contact, with: {{name: "{{{{ row.ref }}}}"}}}}
"""

DOCUMENT = """\
openapi: 3.0.3
info: {{title: shop, version: "1"}}
servers: [{{url: https://shop.example.com}}]
paths:
  /contacts:
    post:
      operationId: create_contact
      requestBody:
        content:
          application/json:
            schema: {{type: object, properties: {{name: {{type: string, pattern: {pattern}}}}}}}
      responses:
        "201":
          description: made
          content: {{application/json: {{schema: {{type: object, properties: {{id: {{type: integer}}}}}}}}}}
"""


def project(folder: Path, *, column: str = ".", document: str = ".") -> None:
    """A recipe with a column's pattern, and the document of its API with a field's."""
    (folder / "r.yaml").write_text(RECIPE.format(pattern=json.dumps(column)))
    (folder / "shop.yaml").write_text(DOCUMENT.format(pattern=json.dumps(document)))
    (folder / "runner.yaml").write_text("apis: {shop: shop.yaml}\n")
    (folder / "rows.csv").write_text(f"ref\n{TEXT}\n")


@pytest.mark.parametrize("case", cases("patterns"))
def test_a_column_is_matched_in_linear_time(tmp_path: Path, case: dict[str, Any]) -> None:
    project(tmp_path, column=case["pattern"])
    code, said = bounded_runner("validate", "r.yaml", "--rows", "rows.csv", folder=tmp_path)
    assert (code, case["due"] in said) == (3, True), said


@pytest.mark.parametrize("case", cases("patterns"))
def test_a_field_of_a_document_is_matched_in_linear_time(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    project(tmp_path, document=case["pattern"])
    code, said = bounded_runner("run", "r.yaml", "--rows", "rows.csv", folder=tmp_path)
    refused = case["due"].startswith("does not match")
    assert (code, case["due"] in said) == ((3, True) if refused else (0, False)), said


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("^[A-Z]+-[0-9]{2}$", "PO-12"), (r"^\d+$", "007"), ("é", "café"), ("", ""), ("(?i)po", "PO")],
)
def test_it_looks_anywhere_in_the_text(pattern: str, text: str) -> None:
    assert matcher(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("^a$", "a\n"), (r"^\d$", "٣"), ("^x", "ax"), (".", "\ud800")],
)
def test_ends_digits_and_halves_of_characters_are_those_of_json_schema(
    pattern: str, text: str
) -> None:
    assert not matcher(pattern)(text)


@pytest.mark.parametrize(
    "pattern",
    ["(" * 5_000 + ")" * 5_000, "(a{1000}){1000}", "x{99999999999}", "[a--b](?", "[a||b]("],
)
def test_a_pattern_that_is_too_large_or_unsound_is_refused_without_a_warning(pattern: str) -> None:
    with warnings.catch_warnings(action="error"), pytest.raises(PatternError):
        matcher(pattern)
    assert allows(pattern, "anything")


def test_the_names_of_properties_are_matched_in_linear_time() -> None:
    schema = {"patternProperties": {"^(a+)+$": {"type": "string"}}, "additionalProperties": False}
    assert violations(schema, {"aa": "x"}) == []
    assert [each.path for each in violations(schema, {TEXT: "x"})] == [(TEXT,)]
    assert [each.path for each in violations(schema, {"aa": 1})] == [("aa",)]
