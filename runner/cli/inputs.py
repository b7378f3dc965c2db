"""The input of a recipe: which file it is, opened and checked, and what was taken for granted about it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from runner.cli.projects import Project, storable
from runner.problems import UsageError, draw, printable
from runner.rows import Input, open_input

LARGE = 1024 * 1024
"""Bytes of an input that take a while to check."""


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
    path = rows_file if rows_file is not None else project.path.parent / rows.file
    storable(path, "the input")
    name = path.name if project.shipped and rows_file is None else str(path)
    _tell_large(path, name)
    opened = open_input(path, rows, scope=scope, name=name)
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
