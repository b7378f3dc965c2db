"""Options for the files and the output of a run, of `run`, `resume` and `report`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runner.project.output_files import (
    check_folder,
    check_output,
)
from runner.project.output_settings import Wanted

XLSX = click.option(
    "--xlsx", is_flag=True, help="Also write the results as a workbook, results.xlsx."
)
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="A folder that gets copies of the run's files.",
)
JUNIT = click.option(
    "--junit",
    "junit_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=lambda _, __, path: path and check_output(path, "--junit", ending=".xml"),
    help="Also write the results as JUnit XML, a test case for each row.",
)


def _known_format(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Raise for an export of an unknown format, before any input is read."""
    if path is not None:
        from runner.report.files.export import format_of

        format_of(path)
        check_folder(path.parent, "--export", path)
    return path


EXPORT = click.option(
    "--export",
    type=click.Path(path_type=Path),
    callback=_known_format,
    help="Where an export goes: .csv, .jsonl or .xlsx.",
)
_OPTIONS = (
    XLSX,
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        help="Say nothing but what needs a person, once the run is over.",
    ),
    click.option(
        "--verbose",
        is_flag=True,
        help="Show each call: row, step, method, path, status, time.",
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Tell the run on stdout as JSON, an event a line (schemas/events.schema.json).",
    ),
)


def wanted_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options for files and output to a command, as one argument `wanted`."""

    @functools.wraps(command)
    def packed(*, xlsx: bool, quiet: bool, verbose: bool, as_json: bool, **given: Any) -> int:
        wanted = Wanted(xlsx=xlsx, quiet=quiet, verbose=verbose, as_json=as_json)
        return command(wanted=wanted, **given)

    for option in reversed(_OPTIONS):
        option(packed)
    return packed
