"""Options of both `run` and `resume`."""

from __future__ import annotations

import click

from runner.cli.whole_numbers import COUNT, WORKERS

DEFAULT_WORKERS = 4

WORKERS_OPTION = click.option(
    "--workers",
    type=WORKERS,
    default=DEFAULT_WORKERS,
    show_default=True,
    help="Rows at once.",
)

MAX_FAILURES = click.option(
    "--max-failures",
    type=COUNT,
    metavar="N",
    help="Stop after N rejected rows; it can be resumed. Else it stops when the first 10 are rejected alike.",
)

STRICT = click.option(
    "--strict",
    is_flag=True,
    help="Reject a row when one of its outputs cannot be computed, and send nothing more.",
)


BAD_ROWS = click.option(
    "--bad-rows",
    type=click.Choice(["refuse", "aside"]),
    help="With aside, rows with wrong cells, or that cannot be sent as they are, are rejected and the others are sent; "
    "with refuse, the default, nothing is sent then.",
)
