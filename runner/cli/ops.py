"""`ops`: list of the operations in the catalogue, or one of them."""

from __future__ import annotations

import click

from runner.catalogue import Catalogue, Operation, to_json
from runner.problems import UsageError, nearest
from runner.project import projects
from runner.project.apis import catalogue_for, operation_called


@click.command(short_help="List the operations that steps can use, or show one.")
@click.argument("name", metavar="[API[.OPERATION]]", required=False)
@click.option(
    "--find",
    "words",
    multiple=True,
    metavar="WORD",
    help="Only those with this word; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines, with the whole schemas.")
@click.option(
    "--target", "target_name", default="sandbox", show_default=True, help="Whose overlays hold."
)
def ops(*, name: str | None, words: tuple[str, ...], as_json: bool, target_name: str) -> int:
    """List the operations of the APIs, or show one: what it takes, what it gives, how well it is known."""
    from runner.report.operations import matches, operation_data, operation_text, operations_table

    current = projects.current()
    catalogue = catalogue_for(current, current.target(target_name))
    found = [operation for operation in _named(catalogue, name) if matches(operation, words)]
    if not found:
        raise UsageError(
            f"no operation has {' and '.join(map(repr, words))}", remedy="runner ops lists them all"
        )
    if as_json:
        data = [operation_data(operation, catalogue[operation.api]) for operation in found]
        click.echo(to_json(data).decode())
    elif name is not None and "." in name:
        click.echo(operation_text(found[0], catalogue[found[0].api]), nl=False)
    else:
        click.echo(operations_table(found), nl=False)
    return 0


def _named(catalogue: Catalogue, name: str | None) -> list[Operation]:
    """Return the operations that `name` selects: all, those of an API, or one.

    Raises UsageError if there is none.
    """
    from runner.report.operations import matches

    api, dot, operation = (name or "").partition(".")
    if name is not None and api not in catalogue:
        about = not dot and any(matches(each, [api]) for each in catalogue.operations([]))
        remedy = f"runner ops --find {api} lists the operations with this word" if about else ""
        raise UsageError(
            f"there is no API {api!r}", remedy=remedy or nearest(api, catalogue, noun="APIs")
        )
    if dot:
        return [operation_called(catalogue, f"{api}.{operation}")]
    return catalogue.operations([api] if api else [])
