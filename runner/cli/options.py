"""What a dry run may be told, on the command line of `plan` and, with --dry-run, of `run`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import click

from runner.problems import UsageError
from runner.project.output_files import check_output

Format = Literal["text", "json", "markdown", "github", "junit"]
FORMATS: tuple[Format, ...] = get_args(Format)

OUT: dict[str, Format] = {".json": "json", ".md": "markdown", ".txt": "text", ".xml": "junit"}
"""What --out writes, by the ending of the file."""


class PlanOptions(NamedTuple):
    """How a dry run is shown, what it is compared with, and the day it is for."""

    show_all: bool = False
    format: Format = "text"
    out: tuple[Path, ...] = ()
    against: Path | None = None
    detailed: bool = False
    lookups: bool = False
    day: dt.datetime | None = None
    values: bool = False

    def check(self) -> None:
        """Refuse what does not go together. Raises UsageError."""
        for path in self.out:
            if path.suffix.lower() not in OUT:
                raise UsageError(
                    f"--out {path}: the ending says what is written",
                    remedy="one of " + ", ".join(OUT),
                )
            check_output(path, "--out")
        forms = {self.format, *(OUT[path.suffix.lower()] for path in self.out)}
        if self.against is not None and not forms & {"text", "markdown"}:
            message = f"--against shows changes, and --format {self.format} has none"
            raise UsageError(message, remedy="--format text or markdown, or --out FILE.md")

    @property
    def date(self) -> dt.date:
        """The day that the dry run is for."""
        return self.day.date() if self.day is not None else dt.datetime.now().astimezone().date()

    @property
    def folder(self) -> Path | None:
        """The folder that --out names where nothing is planned. Raises UsageError when there are several."""
        if len(self.out) > 1:
            raise UsageError("--out names one folder for a run", remedy="leave the others out")
        return self.out[0] if self.out else None

    def given(self) -> str:
        """An option that was set and that only a dry run has, as people write it; empty when none was."""
        if any(path.suffix.lower() in OUT and not path.is_dir() for path in self.out):
            return "--out"  # a plan is meant: to send instead would be the opposite of what was asked for
        command = click.Command("plan")
        for option in OPTIONS:
            option(command)
        options = {parameter.name: parameter.opts[0] for parameter in command.params}
        defaults = PlanOptions()
        changed = (
            name
            for name in self._fields
            if name != "out" and getattr(self, name) != getattr(defaults, name)
        )
        return next((options[name] for name in changed), "")


_FILE = click.Path(path_type=Path, dir_okay=False)
PROJECT = click.option(
    "--project", "named", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="The folder of the runner.yaml that holds, instead of the one here or above.",
)  # fmt: skip
OPTIONS = (
    click.option("--all", "show_all", is_flag=True, help="With --dry-run: show every row, also those that are alike."),
    click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True,
                 help="With --dry-run: what is printed, also of problems; schemas/plan.schema.json describes JSON."),
    click.option("--out", type=click.Path(path_type=Path), multiple=True, metavar="FILE|FOLDER",
                 help="With --dry-run: also write the plan to FILE.json, FILE.md, FILE.txt or FILE.xml (JUnit); may be "
                 "repeated. For a run: a folder that gets copies of its files."),
    click.option("--against", type=_FILE, metavar="PLAN", help="With --dry-run: show what changed since a JSON plan."),
    click.option("--detailed-exitcode", "detailed", is_flag=True,
                 help="With --dry-run: end with 20 when there is something to send (--against: when a row changed)."),
    click.option("--lookups", is_flag=True,
                 help="With --dry-run: make lookups, reads and searches as far as they can be made, by GET only."),
    click.option("--values", is_flag=True, help="With --dry-run: show the values that let names, with each row."),
    click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
                 help="With --dry-run: the day that run.date is, instead of today."),
)  # fmt: skip
