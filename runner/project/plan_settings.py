"""Settings of a dry run: the formats that it is written in, the plan it is compared with, and the day it is for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, NamedTuple, get_args

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
