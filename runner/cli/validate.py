"""`validate`: loads nothing that could send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from runner.catalogue import Catalogue
from runner.cli.plan_options import PROJECT
from runner.cli.rows_options import rows_format, rows_options
from runner.config import NAME as CONFIGURATION
from runner.config import Config
from runner.problems import InvalidError, Problem, UsageError, printable
from runner.project.apis import catalogue_for
from runner.project.projects import config_beside, find_recipe, mappings_of
from runner.recipe.load import Loaded, load
from runner.report.problems.render import FORMS, Form, drawn


@click.command(short_help="Check recipes without rows and without a network.")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@rows_options("Check this input of the recipe as well; - is what is piped in.")
@click.option(
    "--target", "target_name", default="sandbox", show_default=True, help="Whose overlays hold."
)
@PROJECT
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True,
              help="How problems are told: to people, or to a machine on stdout.")  # fmt: skip
def validate(
    *, recipes: tuple[str, ...], rows_files: tuple[Path, ...], target_name: str, named: Path | None, form: Form
) -> int:  # fmt: skip
    """Check recipes: everything that can be known without rows and without a network.

    With --rows, one recipe and its input: the header, the types of all cells, the keys of the rows, how names of
    lookups are spelled, and the requests of each row as far as they are known: amounts, formats, requirements.
    """
    if rows_files and len(recipes) > 1:
        raise UsageError("--rows is for one recipe", remedy="check the others without it")
    problems, notes = list[Problem](), list[Problem]()
    catalogues: dict[
        Path, Catalogue
    ] = {}  # recipes of one project share the documents that are read for them
    total = code = 0
    for recipe in recipes:
        try:
            path, shipped = find_recipe(recipe)
            config = config_beside(recipe, named)
            if config.home not in catalogues:
                catalogues[config.home] = catalogue_for(config, config.target(target_name))
            if (
                path.name == CONFIGURATION
            ):  # as `runner validate *.yaml` names it; what is in it was read just now
                _say(form, f"{recipe}: ok, the configuration")
                continue
            loaded = load(
                path, catalogue=catalogues[config.home], name=path.name if shipped else recipe
            )
            mappings, _ = mappings_of(loaded, path.parent)
        except InvalidError as error:
            problems += error.problems
            total += error.total
            code = max(code, error.exit_code)
            continue
        found = [*loaded.warnings, *_missing_names(loaded, mappings, catalogues[config.home])]
        problems += found
        total += len(found)
        steps = len(loaded.recipe.steps)
        _say(form, f"{recipe}: ok, {steps} step{'s' * (steps != 1)}")
        if rows_files:
            found, count, notes = _rows(
                loaded, rows_files, catalogues[config.home], mappings, config, target_name, say=form == "text"
            )  # fmt: skip
            problems += found
            total += count
    for note in notes:
        _say(form, f"    {note.message} ({note.remedy})")
    told = drawn(problems, form, files=recipes, total=total, notes=notes)
    click.echo(told, err=form == "text", nl=False)
    return code or (
        InvalidError(problems).exit_code if any(p.severity == "error" for p in problems) else 0
    )


def _say(form: Form, text: str) -> None:
    """Tell people; the other forms have a place for nothing but problems and notes."""
    if form == "text":
        click.echo(printable(text))


def _missing_names(
    loaded: Loaded, mappings: Mapping[str, Sequence[Mapping[str, Any]]], catalogue: Catalogue
) -> list[Problem]:
    """Names that the recipe gives and its lookups do not have; imports the engine only where there is a lookup."""
    if not loaded.recipe.lookups:
        return []
    from runner.project.row_checks import names_not_there

    return names_not_there(loaded, mappings, catalogue)


def _rows(
    loaded: Loaded, files: tuple[Path, ...], catalogue: Catalogue,
    mappings: Mapping[str, Sequence[Mapping[str, Any]]], config: Config, target_name: str, *, say: bool,
) -> tuple[list[Problem], int, list[Problem]]:  # fmt: skip
    """The problems of an input, how many there are beyond those that were kept, and what was not checked."""
    from runner.project.connections import account_of
    from runner.project.row_checks import check_rows, unchecked

    notes = unchecked(loaded, catalogue)
    try:
        account = account_of(config, config.target(target_name))
        input_, found = check_rows(
            loaded.recipe,
            files,
            catalogue,
            mappings,
            runs=config.runs,
            account=account,
            piped_as=rows_format(),
        )
    except InvalidError as error:
        return error.problems, error.total, notes
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


def _verdict(found: Sequence[Problem]) -> str:
    """How many errors rows have whose cells are all right: names not found, requirements not met, and the others."""
    from runner.project.row_checks import REFUSED

    kinds = [problem.kind for problem in found if problem.severity == "error"]
    unmet, refused = kinds.count("require"), kinds.count(REFUSED)
    missing = len(kinds) - unmet - refused
    parts = [f"{missing} name{'s' * (missing != 1)} not found"] if missing else []
    if unmet:
        parts.append(f"{unmet} row{'s' * (unmet != 1)} not as required")
    if refused:
        parts.append(f"{refused} row{'s' * (refused != 1)} cannot be sent")
    return ", ".join(parts) or "ok"
