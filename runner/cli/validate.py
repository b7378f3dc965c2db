"""`validate`: loads nothing that could send."""

from __future__ import annotations

from pathlib import Path

import click

from runner.catalogue import Catalogue
from runner.cli.apis_of import catalogue_for
from runner.cli.projects import config_of, find_recipe, mappings_of
from runner.cli.rows_options import rows_options
from runner.problems import InvalidError, Problem, UsageError, printable
from runner.recipe.load import Loaded, load
from runner.report.diagnostics import FORMS, Form, drawn


@click.command(short_help="Check recipes without rows and without a network.")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@rows_options("Check this input of the recipe as well; - is what is piped in.")
@click.option("--target", "target_name", default="sandbox", show_default=True, help="Whose overlays hold.")
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True,
              help="How problems are told: to people, or to a machine on stdout.")  # fmt: skip
def validate(*, recipes: tuple[str, ...], rows_files: tuple[Path, ...], target_name: str, form: Form) -> int:
    """Check recipes: everything that can be known without rows and without a network.

    With --rows, one recipe and its input: the header, the types of all cells, the keys of the rows, and how names of
    lookups are spelled.
    """
    if rows_files and len(recipes) > 1:
        raise UsageError("--rows is for one recipe", remedy="check the others without it")
    problems: list[Problem] = []
    catalogues: dict[Path, Catalogue] = {}  # recipes of one project share the documents that are read for them
    total = code = 0
    for recipe in recipes:
        try:
            path, shipped = find_recipe(recipe)
            config = config_of(recipe)
            if config.home not in catalogues:
                catalogues[config.home] = catalogue_for(config, config.target(target_name))
            loaded = load(path, catalogue=catalogues[config.home], name=path.name if shipped else recipe)
            mappings_of(loaded.recipe, path.parent)
        except InvalidError as error:
            problems += error.problems
            total += error.total
            code = max(code, error.exit_code)
            continue
        problems += loaded.warnings
        total += len(loaded.warnings)
        steps = len(loaded.recipe.steps)
        if form == "text":
            click.echo(f"{recipe}: ok, {steps} step{'s' * (steps != 1)}")
        if rows_files:
            found, count = _rows(loaded, rows_files, catalogues[config.home], say=form == "text")
            problems += found
            total += count
    told = drawn(problems, form, files=recipes, total=total)
    click.echo(told, err=form == "text", nl=False)
    return code or (InvalidError(problems).exit_code if any(p.severity == "error" for p in problems) else 0)


def _rows(loaded: Loaded, files: tuple[Path, ...], catalogue: Catalogue, *, say: bool) -> tuple[list[Problem], int]:
    """The problems of an input, and how many there are beyond those that were kept."""
    from runner.cli.checked_rows import check_rows

    try:
        input_, found = check_rows(loaded.recipe, files, catalogue)
    except InvalidError as error:
        return error.problems, error.total
    rows, lines = input_.row_count, input_.line_count
    if say:
        size = f"{rows} row{'s' * (rows != 1)}, {lines} line{'s' * (lines != 1)}"
        left_out = len(input_.left_out)
        size += f", {left_out} line{'s' * (left_out != 1)} left out" if left_out else ""
        size += f"; as announced: {input_.agreed}" if input_.agreed else ""
        named = printable(", ".join(map(str, files)))
        click.echo(f"{named}: ok, {size}" + (f" ({input_.layout})" if input_.layout else ""))
    return found, len(found)
