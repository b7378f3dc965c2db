"""`--marked` of `validate` and `report`. Cheap to import, for commands that may not write."""

from __future__ import annotations

from pathlib import Path

import click

from runner.problems import UsageError


def _new_workbook(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Raise for a file that is there: it may be an earlier one, with what somebody has mended in it."""
    if path is None:
        return None
    from runner.project.output_files import check_output

    check_output(path, "--marked", ending=".xlsx")
    if path.exists():
        raise UsageError(f"--marked {path} is there already", remedy="name a new file")
    return path


MARKED = click.option(
    "--marked",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=_new_workbook,
    help="Write the input as a workbook in which what is wrong is red, with notes; mended, it is input again.",
)
