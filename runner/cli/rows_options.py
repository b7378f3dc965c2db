"""`--rows` and `--rows-format`: the input on the command line. Light, for commands that may not need it."""

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
    """Return keys of rows on the command line as identities: their spaces count as those of a sheet do."""
    if isinstance(value, tuple):
        return tuple(row_key(context, parameter, each) for each in value)
    if value is None:
        return None
    found = canonical(value)
    if not found:
        raise click.BadParameter("a key is not empty", ctx=context, param=parameter)
    return found


def rows_options(text: str) -> Callable[[_Command], _Command]:
    """`--rows`, with this help, and `--rows-format`, which `rows_format` tells."""

    def options(command: _Command) -> _Command:
        form = click.option(
            "--rows-format", type=click.Choice(ROW_FORMATS), expose_value=False, callback=_told, is_eager=True,
            help="What is piped in; else it tells by how it begins.",
        )  # fmt: skip
        rows = click.option(
            "--rows", "rows_files", type=click.Path(path_type=Path), multiple=True, callback=_needs_rows,
            help=f"{text} Repeated, or with *: files that are one input.",
        )  # fmt: skip
        return rows(form(command))

    return options


def rows_format() -> str:
    """What the command line says of the format of what is piped in; empty where it says nothing."""
    context = click.get_current_context(silent=True)
    return context.meta.get(__name__, "") if context is not None else ""


def _told(context: click.Context, _: click.Parameter, value: str | None) -> None:
    context.meta[__name__] = value or ""


def _needs_rows(
    context: click.Context, _: click.Parameter, value: tuple[Path, ...]
) -> tuple[Path, ...]:
    if context.meta.get(__name__) and PIPED not in map(str, value):
        raise UsageError(
            "--rows-format is for --rows -", remedy="a file says by its ending what it is"
        )
    return value
