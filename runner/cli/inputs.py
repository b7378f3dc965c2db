"""The input of a recipe: which file it is, opened and checked, and what was taken for granted about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from runner.cli.projects import Project, make_folder, storable
from runner.cli.rows_options import PIPED, rows_format
from runner.durable import WholeFile, stopping
from runner.journal import Journal
from runner.problems import UsageError, draw, printable
from runner.recipe.model import Rows
from runner.rows import Input, Piped, Spool, open_input

LARGE = 1024 * 1024
"""Bytes of an input that take a while to check."""

STDIN = "<stdin>"


def input_of(project: Project, rows_file: Path | None, scope: Mapping[str, Any]) -> Input | None:
    """The checked input; None for a recipe without rows, and where they are still to be read from an API."""
    rows = project.recipe.rows
    if rows is None:
        if rows_file is not None:
            raise UsageError("this recipe has no rows, so --rows has no meaning", remedy="leave --rows out")
        return None
    if rows_file is None and rows.search is not None:
        return None
    if rows_file is None and not rows.file:
        raise UsageError("the recipe names no input", remedy="--rows FILE")
    is_own = rows_file is None and rows.file != PIPED
    path = project.path.parent / rows.file if is_own else rows_file or Path(PIPED)
    storable(path, "the input")
    name = path.name if project.shipped and is_own else str(path)
    _tell_large(path, name)
    opened = open_named(path, rows, scope, name=name)
    if opened.layout:
        click.echo(f"{printable(opened.name)}: {opened.layout}", err=True)
    if opened.warnings:
        click.echo("\n".join(map(draw, opened.warnings)), err=True)
    return opened


def _tell_large(path: Path, name: str) -> None:
    """Say what is waited for, where nothing else is seen for a while: the last line may be what is wrong."""
    with suppress(OSError):
        size = path.stat().st_size
        if size >= LARGE:
            click.echo(f"{printable(name)}: checking all of its {size / 10**6:,.1f} MB before the first row", err=True)


def open_named(path: Path, rows: Rows, scope: Mapping[str, Any], *, name: str) -> Input:
    """The checked file at `path`, or what is piped in where it is `-`. Raises UsageError where nothing is."""
    if str(path) != PIPED:
        return open_input(path, rows, scope=scope, name=name)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("nothing is piped in", remedy="as in: cat orders.csv | runner run RECIPE --rows -")
    spool = Spool()
    shutil.copyfileobj(sys.stdin.buffer, spool)
    spool.seek(0)
    return open_input(path, rows, scope=scope, name=STDIN, piped=Piped(spool, rows_format()))


def keep_piped(input_: Input, journal: Journal, folder: Path) -> None:
    """Keep what was piped in with its run, so that every resume has the same rows."""
    piped = input_.piped
    if piped is None:
        return
    make_folder(folder)
    path = folder / f"stdin.{input_.parts[0].kind}"
    with stopping(path), WholeFile(path) as file:
        shutil.copyfileobj(piped, file)
    take_input(journal, int(folder.name), input_, path)


def take_input(journal: Journal, run: int, input_: Input, path: Path) -> None:
    """Record that the rows of a run are kept in the file at `path`."""
    journal.take_input(
        run, file=str(path.absolute()), digest=input_.digest, lines=input_.line_count, rows=input_.row_count,
        left_out=len(input_.left_out),
    )  # fmt: skip
