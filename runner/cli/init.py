"""`init`: files of a new project. Existing files are never overwritten."""

from __future__ import annotations

from pathlib import Path

import click

from runner.catalogue import to_json
from runner.problems import UsageError, shell_word
from runner.project import projects
from runner.project.apis import catalogue_for, operation_called

SHEET = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Make a folder to start from.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--from",
    "sheet",
    type=SHEET,
    metavar="SHEET",
    help="A sheet or workbook whose columns it takes.",
)
@click.option(
    "--use",
    "operation",
    metavar="API.OPERATION",
    show_default="the one that its API begins with",
    help="What the recipe does for each row.",
)
def init(*, folder: Path, sheet: Path | None, operation: str | None) -> int:
    """Make FOLDER (this one, when it is left out) something to start from, and leave alone what is there.

    A configuration, a recipe with a sample sheet, the schema that editors complete it with, a workflow for GitHub and
    a .gitignore: it validates and plans as it stands.
    """
    from runner.project import starter
    from runner.project.starter import (
        MODELINE,
        SCHEMA,
        first_operation,
        recipe_for,
        recipe_name,
        write_new,
    )
    from runner.recipe.editor import editor_schema

    catalogue = catalogue_for(projects.current(), None)
    schema = to_json(editor_schema(catalogue.operations())).decode() + "\n"
    files = {"runner.yaml": starter.CONFIGURATION, ".gitignore": starter.IGNORED, SCHEMA: schema}
    if sheet is None:
        files["orders.csv"] = starter.SAMPLE_SHEET
    name = recipe_name(sheet.stem if sheet is not None else "orders")
    files[".github/workflows/plan.yml"] = starter.workflow(f"{name}.yaml")
    taken = [each for each in (*files, f"{name}.yaml") if (folder / each).exists()]
    if taken:
        raise UsageError(f"{folder / taken[0]} is there already", remedy="name an empty folder")
    operation = operation or first_operation(catalogue)
    # Raises for an unknown operation, before the first file is written.
    operation_called(catalogue, operation)
    write_new(folder, {"orders.csv": files.pop("orders.csv")} if sheet is None else {})
    recipe = MODELINE + recipe_for(name, operation, folder, sheet or folder / "orders.csv")
    write_new(folder, {f"{name}.yaml": recipe} | files)
    where = "" if folder == Path() else f"cd {shell_word(str(folder), bare=True)} && "
    click.echo(f"next: {where}runner plan {name}.yaml", err=True)
    return 0
