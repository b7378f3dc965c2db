"""`--rows` and `--rows-format`: the input on the command line. Cheap to import, for commands that may not read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.keys import canonical
from runner.problems import UsageError
from runner.recipe.model import PIPED, ROW_FORMATS

_Command = TypeVar("_Command", bound=Callable[..., Any])


def row_key(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Return keys of rows on the command line in canonical form, as those of a sheet."""
    if isinstance(value, tuple):
        return tuple(row_key(context, parameter, each) for each in value)
    if value is None:
        return None
    key = canonical(value)
    if not key:
        raise click.BadParameter("a key is not empty", ctx=context, param=parameter)
    return key


def rows_options(text: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds `--rows`, with this help text, and `--rows-format`.

    `rows_format` returns the value of the latter.
    """

    def options(command: _Command) -> _Command:
        form = click.option(
            "--rows-format",
            type=click.Choice(ROW_FORMATS),
            expose_value=False,
            callback=_store_format,
            is_eager=True,
            help="What is piped in; else it tells by how it begins.",
        )
        rows = click.option(
            "--rows",
            "rows_files",
            type=click.Path(path_type=Path),
            multiple=True,
            callback=_check_rows,
            help=f"{text} Repeated, or with *: files that are one input.",
        )
        return rows(form(command))

    return options


def rows_format() -> str:
    """Return the format of standard input on the command line; empty if it is not given."""
    context = click.get_current_context(silent=True)
    return context.meta.get(__name__, "") if context is not None else ""


def _store_format(context: click.Context, _: click.Parameter, value: str | None) -> None:
    context.meta[__name__] = value or ""


def _check_rows(
    context: click.Context, _: click.Parameter, value: tuple[Path, ...]
) -> tuple[Path, ...]:
    """Raise UsageError for `--rows-format` without `--rows -`."""
    if context.meta.get(__name__) and PIPED not in map(str, value):
        raise UsageError(
            "--rows-format is for --rows -", remedy="a file says by its ending what it is"
        )
    return value
