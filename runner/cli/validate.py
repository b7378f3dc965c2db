"""`validate`: check of recipes and their input. It imports nothing that can send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from runner.catalogue import Catalogue
from runner.cli.marked_option import MARKED
from runner.cli.plan_options import PROJECT
from runner.cli.rows_options import rows_format, rows_options
from runner.config import NAME as CONFIGURATION
from runner.config import Config
from runner.problems import InvalidError, Problem, UsageError, printable
from runner.project.apis import catalogue_for
from runner.project.projects import config_beside, find_recipe, mappings_of
from runner.recipe.load import Loaded, load
from runner.report.problems.render import FORMS, Form, drawn

if TYPE_CHECKING:
    from runner.rows import Input


class _Recipe(NamedTuple):
    """A recipe with its mappings, the documents of its APIs and its project."""

    loaded: Loaded
    mappings: Mapping[str, Sequence[Mapping[str, Any]]]
    catalogue: Catalogue
    config: Config


@click.command(short_help="Check recipes without rows and without a network.")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@rows_options("Check this input of the recipe as well; - is what is piped in.")
@click.option(
    "--target", "target_name", default="sandbox", show_default=True, help="Whose overlays hold."
)
@PROJECT
@MARKED
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="How problems are told: to people, or to a machine on stdout.",
)
def validate(
    *,
    recipes: tuple[str, ...],
    rows_files: tuple[Path, ...],
    target_name: str,
    named: Path | None,
    marked: Path | None,
    form: Form,
) -> int:
    """Check recipes: everything that can be known without rows and without a network.

    With --rows, one recipe and its input: the header, the types of all cells, the keys of the rows, how names of
    lookups are spelled, and the requests of each row as far as they are known: amounts, formats, requirements.
    """
    if rows_files and len(recipes) > 1:
        raise UsageError("--rows is for one recipe", remedy="check the others without it")
    if marked is not None and not rows_files:
        raise UsageError("--marked is for an input", remedy="name it with --rows")
    problems, notes = list[Problem](), list[Problem]()
    # Recipes of one project share its documents, which take long to read.
    catalogues: dict[Path, Catalogue] = {}
    total = code = 0
    for recipe in recipes:
        try:
            read = _read(recipe, named, target_name, catalogues)
        except InvalidError as error:
            problems += error.problems
            total += error.total
            code = max(code, error.exit_code)
            continue
        if read is None:
            _say(form, f"{recipe}: ok, the configuration")
            continue
        found = [*read.loaded.warnings, *_missing_names(read)]
        problems += found
        total += len(found)
        steps = len(read.loaded.recipe.steps)
        _say(form, f"{recipe}: ok, {steps} step{'s' * (steps != 1)}")
        if rows_files:
            found, count, notes = _rows(
                read, rows_files, target_name, marked=marked, say=form == "text"
            )
            problems += found
            total += count
    for note in notes:
        _say(form, f"    {note.message} ({note.remedy})")
    text = drawn(problems, form, files=recipes, total=total, notes=notes)
    click.echo(text, err=form == "text", nl=False)
    if not code and any(problem.severity == "error" for problem in problems):
        return InvalidError(problems).exit_code
    return code


def _say(form: Form, text: str) -> None:
    """Print text for people; the other formats hold only problems and notes."""
    if form == "text":
        click.echo(printable(text))


def _read(
    recipe: str, named: Path | None, target_name: str, catalogues: dict[Path, Catalogue]
) -> _Recipe | None:
    """Return a recipe; None if it is the configuration. Raises InvalidError.

    `catalogues` has the documents by project; those of a new project are added.
    """
    path, shipped = find_recipe(recipe)
    config = config_beside(recipe, named)
    if config.home not in catalogues:
        catalogues[config.home] = catalogue_for(config, config.target(target_name))
    # `runner validate *.yaml` names the configuration too; it has just been read.
    if path.name == CONFIGURATION:
        return None
    catalogue = catalogues[config.home]
    loaded = load(path, catalogue=catalogue, name=path.name if shipped else recipe)
    mappings, _ = mappings_of(loaded, path.parent)
    return _Recipe(loaded, mappings, catalogue, config)


def _missing_names(read: _Recipe) -> list[Problem]:
    """Return problems for names in the recipe that its lookups do not have."""
    if not read.loaded.recipe.lookups:
        return []
    # Imported on use: it imports the engine.
    from runner.project.row_checks import names_not_there

    return names_not_there(read.loaded, read.mappings, read.catalogue)


def _rows(
    read: _Recipe, files: tuple[Path, ...], target_name: str, *, marked: Path | None, say: bool
) -> tuple[list[Problem], int, list[Problem]]:
    """Return the problems of an input, their total number, and notes about checks that were not made."""
    from runner.project.connections import account_of
    from runner.project.row_checks import check_rows, unchecked
    from runner.rows import InputError

    notes = unchecked(read.loaded, read.catalogue)
    try:
        account = account_of(read.config, read.config.target(target_name))
        input_, found = check_rows(
            read.loaded.recipe,
            files,
            read.catalogue,
            read.mappings,
            runs=read.config.runs,
            account=account,
            piped_as=rows_format(),
        )
    except InputError as error:
        if marked is not None:
            _mark(marked, error.read, error.found)
        return error.problems, error.total, notes
    except InvalidError as error:
        return error.problems, error.total, notes
    if marked is not None:
        _mark(marked, input_, found)
    rows, lines = input_.row_count, input_.line_count
    if say:
        size = f"{rows} row{'s' * (rows != 1)}, {lines} line{'s' * (lines != 1)}"
        left_out = len(input_.left_out)
        size += f", {left_out} line{'s' * (left_out != 1)} left out" if left_out else ""
        size += f"; as announced: {input_.agreed}" if input_.agreed else ""
        named = printable(", ".join(map(str, files)))
        verdict = _verdict(found)
        click.echo(f"{named}: {verdict}, {size}" + (f" ({input_.layout})" if input_.layout else ""))
    return found, len(found), notes


def _mark(path: Path, input_: Input, problems: Sequence[Problem]) -> None:
    """Write the input with its problems to a workbook."""
    from runner.report.files.marked import Marks, write_marked

    marks = Marks(input_)
    marks.add(problems)
    write_marked(path, marks)
    click.echo(f"marked   {printable(str(path))}", err=True)


def _verdict(found: Sequence[Problem]) -> str:
    """Return the numbers of errors: wrong cells, unknown names, unmet requirements, others."""
    from runner.project.row_checks import REFUSED
    from runner.rows import OF_CELLS

    kinds = [problem.kind for problem in found if problem.severity == "error"]
    unmet, refused = kinds.count("require"), kinds.count(REFUSED)
    cells = sum(kind in OF_CELLS for kind in kinds)
    missing = len(kinds) - unmet - refused - cells
    parts = [f"{cells} wrong cell{'s' * (cells != 1)}"] if cells else []
    if missing:
        parts.append(f"{missing} name{'s' * (missing != 1)} not found")
    if unmet:
        parts.append(f"{unmet} row{'s' * (unmet != 1)} not as required")
    if refused:
        parts.append(f"{refused} row{'s' * (refused != 1)} cannot be sent")
    return ", ".join(parts) or "ok"
