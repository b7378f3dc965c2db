"""`new`: a recipe for an operation. Existing files are never overwritten."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.init import SHEET
from runner.problems import UsageError, shell_word


@click.command(short_help="Make a recipe for an operation.")
@click.argument("operation", metavar="API.OPERATION")
@click.option(
    "--from",
    "sheet",
    type=SHEET,
    metavar="SHEET",
    help="A sheet; the recipe runs once for each row.",
)
@click.option("--out", type=SHEET, metavar="FILE", help="The recipe, instead of OPERATION.yaml.")
def new(*, operation: str, sheet: Path | None, out: Path | None) -> int:
    """Make a recipe that uses an operation; 'runner ops' lists what there is."""
    from runner.project.starter import MODELINE, SCHEMA, recipe_for, recipe_name, write_new

    name = recipe_name(out.stem if out is not None else operation.rpartition(".")[2])
    path = out if out is not None else Path(f"{name}.yaml")
    if path.exists():
        raise UsageError(f"{path} is there already", remedy="name another file with --out")
    modeline = MODELINE if (path.parent / SCHEMA).is_file() else ""
    write_new(path.parent, {path.name: modeline + recipe_for(name, operation, path.parent, sheet)})
    click.echo(f"next: runner plan {shell_word(str(path), bare=True)}", err=True)
    return 0
