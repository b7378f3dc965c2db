"""`schema`: JSON Schema of recipes for editors."""

from __future__ import annotations

import click

from runner import source
from runner.catalogue import to_json
from runner.problems import UsageError
from runner.project import projects
from runner.project.apis import catalogue_for


@click.command(
    short_help="Print the recipe schema for an editor, with the operations that there are."
)
@click.argument("recipe", required=False)
@click.option(
    "--apis",
    is_flag=True,
    help="With all the APIs of this folder, instead of those that RECIPE uses.",
)
@click.option(
    "--steps", "of_steps", is_flag=True, help="That of a file of steps, which recipes include."
)
@click.option(
    "--target", "target_name", default="sandbox", show_default=True, help="Whose overlays hold."
)
def schema(*, recipe: str | None, apis: bool, of_steps: bool, target_name: str) -> int:
    """Print the JSON Schema of recipes, with the operations of the APIs that RECIPE uses and what each of them takes.

    Written to a file that the recipe names in its first line, it makes an editor complete and check `use` and `with`:
    runner schema --apis > recipe.schema.json, and # yaml-language-server: $schema=recipe.schema.json
    """
    from runner.recipe.editor import editor_schema
    from runner.recipe.validator import of_a_file

    if (recipe is None) != apis:
        raise UsageError(
            "whose operations are wanted?", remedy="name a recipe, or say --apis for all there are"
        )
    settings = projects.current() if recipe is None else projects.config_beside(recipe)
    catalogue = catalogue_for(settings, settings.target(target_name))
    operations = catalogue.operations([] if recipe is None else _used(recipe))
    found = editor_schema(operations)
    click.echo(to_json(of_a_file(found) if of_steps else found).decode())
    return 0


def _used(recipe: str) -> set[str]:
    """Return the APIs that a recipe and its included files use. The recipe may be invalid otherwise."""
    from runner.recipe.editor import parts

    path, _ = projects.find_recipe(recipe)
    apis: set[str] = set()
    # Files may include each other: each is read once.
    left, seen = [(path, recipe)], set()
    while left:
        file, name = left.pop()
        if file.resolve() in seen:
            continue
        seen.add(file.resolve())
        for part in parts(source.read(file, name=name).data):
            if isinstance(part.get("use"), str):
                apis.add(part["use"].partition(".")[0])
            if isinstance(included := part.get("include"), str):
                left.append((file.parent / included, included))
    return apis
