"""`init` and `new`: files to start from. What is there is never overwritten."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import click

from runner.catalogue import Catalogue, to_json
from runner.cli.ops import operation_called
from runner.durable import unwritable
from runner.problems import ConfigError, UsageError, printable
from runner.project import projects
from runner.project.apis import catalogue_for

_SHEET = click.Path(path_type=Path, dir_okay=False)
_SCHEMA = "recipe.schema.json"
_MODELINE = f"# yaml-language-server: $schema={_SCHEMA}\n"


@click.command(short_help="Make a folder to start from.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--from",
    "sheet",
    type=_SHEET,
    metavar="SHEET",
    help="A sheet or workbook whose columns it takes.",
)
@click.option("--use", "operation", metavar="API.OPERATION", show_default="the one that its API begins with",
              help="What the recipe does for each row.")  # fmt: skip
def init(*, folder: Path, sheet: Path | None, operation: str | None) -> int:
    """Make FOLDER (this one, when it is left out) something to start from, and leave alone what is there.

    A configuration, a recipe with a sample sheet, the schema that editors complete it with, a workflow for GitHub and
    a .gitignore: it validates and plans as it stands.
    """
    from runner.project import starter
    from runner.recipe.editor import editor_schema

    catalogue = catalogue_for(projects.current(), None)
    schema = to_json(editor_schema(catalogue.operations())).decode() + "\n"
    files = {"runner.yaml": starter.CONFIGURATION, ".gitignore": starter.IGNORED, _SCHEMA: schema}
    if sheet is None:
        files["orders.csv"] = starter.SAMPLE_SHEET
    name = _name(sheet.stem if sheet is not None else "orders")
    files[".github/workflows/plan.yml"] = starter.workflow(f"{name}.yaml")
    taken = [each for each in (*files, f"{name}.yaml") if (folder / each).exists()]
    if taken:
        raise UsageError(f"{folder / taken[0]} is there already", remedy="name an empty folder")
    operation = operation or _first_operation(catalogue)
    operation_called(catalogue, operation)  # before the first file is made
    _write(folder, {"orders.csv": files.pop("orders.csv")} if sheet is None else {})
    recipe = _MODELINE + _recipe(name, operation, folder, sheet or folder / "orders.csv")
    _write(folder, {f"{name}.yaml": recipe} | files)
    where = "" if folder == Path() else f"cd {folder} && "
    click.echo(f"next: {where}runner plan {name}.yaml", err=True)
    return 0


@click.command(short_help="Make a recipe for an operation.")
@click.argument("operation", metavar="API.OPERATION")
@click.option(
    "--from",
    "sheet",
    type=_SHEET,
    metavar="SHEET",
    help="A sheet; the recipe runs once for each row.",
)
@click.option("--out", type=_SHEET, metavar="FILE", help="The recipe, instead of OPERATION.yaml.")
def new(*, operation: str, sheet: Path | None, out: Path | None) -> int:
    """Make a recipe that uses an operation; 'runner ops' lists what there is."""
    name = _name(out.stem if out is not None else operation.rpartition(".")[2])
    path = out if out is not None else Path(f"{name}.yaml")
    if path.exists():
        raise UsageError(f"{path} is there already", remedy="name another file with --out")
    modeline = _MODELINE if (path.parent / _SCHEMA).is_file() else ""
    _write(path.parent, {path.name: modeline + _recipe(name, operation, path.parent, sheet)})
    click.echo(f"next: runner plan {path}", err=True)
    return 0


def _first_operation(catalogue: Catalogue) -> str:
    """What the document of an API says that a first recipe uses."""
    for api in catalogue:
        operation = catalogue[api].document["info"].get("x-runner-start-with")
        if operation:
            return f"{api}.{operation}"
    raise UsageError(
        "no API says what to begin with", remedy="--use API.OPERATION; 'runner ops' lists them"
    )


def _recipe(name: str, operation: str, folder: Path, sheet: Path | None) -> str:
    from runner.project.starter import recipe_text
    from runner.rows.infer import infer

    found = operation_called(catalogue_for(projects.current(), None), operation)
    if sheet is None:
        return recipe_text(name, found)
    inside = sheet.resolve().is_relative_to(folder.resolve())
    file = os.path.relpath(sheet, folder) if inside else ""
    if not inside:
        told = f"the sheet is not below the recipe's folder, and not named in it: --rows {sheet}"
        click.echo(printable(told), err=True)
    return recipe_text(name, found, sheet=infer(sheet), file=file)


def _write(folder: Path, files: Mapping[str, str]) -> None:
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
        click.echo(path)


def _name(stem: str) -> str:
    """A recipe's name from a file's or an operation's."""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:100] or "recipe"
