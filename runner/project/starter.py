"""The files to start from: a recipe for an operation and a sheet, a configuration, a workflow."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.catalogue import Catalogue, Operation
from runner.durable import unwritable
from runner.problems import ConfigError, UsageError, shell_word
from runner.project import projects
from runner.project.apis import catalogue_for, operation_called
from runner.project.streams import note, say
from runner.recipe.model import EMPTY_CELLS, Column
from runner.report.operations import sample_arguments
from runner.rows.infer import Sheet

SCHEMA = "recipe.schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA}\n"

SAMPLE_SHEET = """\
Number,Business Name,First Name,Last Name,Email,Phone
C-001,Riverside Little League,Dana,Whitlock,dana@riverside.example.org,(617) 555-0134
C-002,Café Ondine,Léa,Marchand,lea@ondine.example.org,
"""

CONFIGURATION = """\
# Where recipes of this folder can go. Without --target everything goes to the sandbox on this machine.
targets: {}
#  live:
#    account: my-company                 # the name that everything sent is filed under: keep it for ever
#    apis:
#      syncore:
#        secrets: {api_key: {env: SYNCORE_API_KEY}}      # from the environment, or from .env beside this file
"""

IGNORED = """\
.env
runs/
runner-plan.*
"""

WORKFLOW = """\
name: plan
on:
  pull_request:
jobs:
  plan:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: your-organisation/runner@main        # where runner is kept
        with: {recipe: RECIPE}
"""

NO_COLUMN = "the_column_that_names_a_row"
"""In the place of a key that a sheet does not show; `validate` refuses it and says which columns there are."""

NAMED = 3
"""Columns that a condition names at most to recognize a line that has none of them."""

_FITS: Mapping[str, tuple[str, ...]] = {
    "string": ("string", "integer", "date"), "integer": ("integer",), "number": ("integer", "decimal"),
    "boolean": ("boolean",),
}  # fmt: skip
"""The types of columns that a field of a type takes."""


def workflow(recipe: str) -> str:
    """A workflow for GitHub that plans the recipe in every pull request."""
    return WORKFLOW.replace("RECIPE", json.dumps(recipe))


def recipe_text(
    name: str, operation: Operation, *, sheet: Sheet | None = None, file: str = ""
) -> str:
    """A recipe that uses the operation, for each row of the sheet in `file` or else of what --rows names."""
    lines = [
        "recipe: 1",
        f"name: {name}",
        f"description: {_text(operation.summary or operation.full_name)}",
    ]
    if sheet is not None:
        lines += ["rows:", *([f"  file: {_text(file)}"] if file else []), *_rows(sheet)]
    lines += ["steps:", f"  - id: {_identifier(operation.name)}", f"    use: {operation.full_name}"]
    lines += ["    expect: any"] if operation.items else []
    given = _arguments(operation, sheet)
    lines += ["    with:"] if given else []
    lines += [f"      {key}: {_text(value)}" for key, value in given.items()]
    return "\n".join(lines) + "\n"


def _rows(sheet: Sheet) -> Iterator[str]:
    if sheet.delimiter:
        yield f"  delimiter: {_text(sheet.delimiter)}"
    if sheet.grouped:
        yield f"  group_by: {sheet.key}        # lines that share it make one row; the lines are in row.lines"
    if sheet.key:
        yield f'  key: "{{{{ row.{sheet.key} }}}}"        # what makes a row this row, for ever'
    else:
        yield "  # No column of the sheet is sure to name a row. Write the one here whose value belongs to one row"
        yield "  # alone and never changes, such as an order number; or several: {{ row.customer }} {{ row.day }}"
        yield f'  key: "{{{{ row.{NO_COLUMN} }}}}"'
    if where := _where(sheet):
        yield f"  where: {_text(where)}        # lines with sums are no rows"
    yield "  columns:"
    for column in sheet.columns:
        told: dict[str, Any] = {"from": column.header} if column.header != column.name else {}
        told |= {"type": column.type} if column.type != "string" else {}
        if column.format:
            formats = list(column.format)
            told["format"] = formats if len(formats) > 1 else formats[0]
        told |= {"locale": column.locale} if column.locale else {}
        told |= _written(column)
        told |= {"empty": list(column.empty)} if column.empty != EMPTY_CELLS else {}
        told |= {"required": True} if column.required else {}
        yield f"    {column.name}: {{{', '.join(f'{key}: {_text(value)}' for key, value in told.items())}}}"


def _where(sheet: Sheet) -> str:
    """The condition that leaves out lines with sums; empty where there are none."""
    sums = f"row.{sheet.key} not in {list(sheet.sums)!r}" if sheet.sums else ""
    named = " or ".join(f"row.{name} is not none" for name in sheet.named[:NAMED])
    if sums and named:
        return f"{sums} and ({named})"
    return sums or named


def _written(column: Column) -> dict[str, Any]:
    """The keys that say how a column is written."""
    numbers = column.written
    said = {
        "decimal_mark": numbers.decimal_mark if numbers.decimal_mark != "." and column.type == "decimal" else "",
        "thousands": numbers.thousands,
        "currency": list(numbers.currency) if len(numbers.currency) > 1 else "".join(numbers.currency),
        "percent": numbers.percent, "accounting": numbers.accounting, "trim": column.trim,
    }  # fmt: skip
    return {key: value for key, value in said.items() if value}


def _arguments(operation: Operation, sheet: Sheet | None) -> dict[str, Any]:
    """What the step gives: columns that are called as a field is and fit it, and examples for what else is required."""
    given = sample_arguments(operation)
    if sheet is None:
        return given
    fields: dict[str, Mapping[str, Any]] = {
        name: each.schema for name, each in operation.parameters.items()
    }
    fields |= operation.fields
    usable = [each for each in sheet.columns if each.name in sheet.constant]
    columns = {_plain(each.name): each for each in usable}
    found = {
        name: columns[_plain(name)] for name, schema in fields.items() if _plain(name) in columns
    }
    found = {
        name: each
        for name, each in found.items()
        if _fits(fields[name], each, name in operation.required)
    }
    if not found and sheet.key:
        key = next(each for each in sheet.columns if each.name == sheet.key)
        found = {name: key for name, schema in fields.items() if _fits(schema, key, required=True)}
        found = dict(list(found.items())[:1])
    required = {name: value for name, value in given.items() if name in operation.required}
    return {**required, **{name: f"{{{{ row.{each.name} }}}}" for name, each in found.items()}}


def _fits(schema: Mapping[str, Any], column: Column, required: bool) -> bool:  # noqa: FBT001 - one of three facts
    declared = schema.get("type", "string")
    kinds = [declared] if isinstance(declared, str) else declared
    strict = any(
        key in schema for key in ("enum", "pattern", "format", "maxLength", "minimum", "maximum")
    )
    fits = any(column.type in _FITS.get(kind, ()) for kind in kinds)
    return fits and (column.required or not required) and (not strict or column.type == "date")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _identifier(name: str) -> str:
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name.lower())
    return plain.lstrip("0123456789") or "step"


def _text(value: Any) -> str:
    """A value as YAML that means it."""
    plain = isinstance(value, str) and value.replace("_", "").isascii() and value.isidentifier()
    words = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    if plain and value.lower() not in words:
        return str(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


def first_operation(catalogue: Catalogue) -> str:
    """What the document of an API says that a first recipe uses."""
    for api in catalogue:
        operation = catalogue[api].document["info"].get("x-runner-start-with")
        if operation:
            return f"{api}.{operation}"
    raise UsageError(
        "no API says what to begin with", remedy="--use API.OPERATION; 'runner ops' lists them"
    )


def recipe_for(name: str, operation: str, folder: Path, sheet: Path | None) -> str:
    from runner.rows.infer import infer

    found = operation_called(catalogue_for(projects.current(), None), operation)
    if sheet is None:
        return recipe_text(name, found)
    inside = sheet.resolve().is_relative_to(folder.resolve())
    file = os.path.relpath(sheet, folder) if inside else ""
    if not inside:
        named = shell_word(str(sheet), bare=True)
        told = f"the sheet is not below the recipe's folder, and not named in it: --rows {named}"
        note(told)
    return recipe_text(name, found, sheet=infer(sheet), file=file)


def write_new(folder: Path, files: Mapping[str, str]) -> None:
    """Write files that are not there yet, and say so."""
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise unwritable(
                path, error, remedy="name a file that is not there yet", kind=ConfigError
            ) from None
        say(str(path))


def recipe_name(stem: str) -> str:
    """A recipe's name from a file's or an operation's."""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:100] or "recipe"
