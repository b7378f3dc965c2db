"""`validate`: loads nothing that could send."""

from __future__ import annotations

from pathlib import Path

import click

from runner.catalogue import Catalogue
from runner.cli.apis_of import catalogue_for
from runner.cli.projects import config_of, find_recipe
from runner.problems import InvalidError, Problem, draw_all
from runner.recipe.load import load


@click.command(short_help="Check recipes without rows and without a network.")
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option("--target", "target_name", default="sandbox", show_default=True, help="Whose overlays hold.")
def validate(*, recipes: tuple[str, ...], target_name: str) -> int:
    """Check recipes: everything that can be known without rows and without a network."""
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
        except InvalidError as error:
            problems += error.problems
            total += error.total
            code = max(code, error.exit_code)
            continue
        problems += loaded.warnings
        total += len(loaded.warnings)
        steps = len(loaded.recipe.steps)
        click.echo(f"{recipe}: ok, {steps} step{'s' * (steps != 1)}")
    if problems:
        click.echo(draw_all(problems, total=total), err=True, nl=False)
    return code
