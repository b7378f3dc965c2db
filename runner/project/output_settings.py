"""Settings of the outputs of a run: its files, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from runner.durable import FULL, unwritable
from runner.problems import UsageError
from runner.project.output_files import (
    check_copies,
    check_export,
    check_folder,
    check_not_read,
    is_ours,
)
from runner.recipe.model import Recipe
from runner.rows import Input


class Wanted(NamedTuple):
    """The files and the talk of a run. `export` and `out` say where an export and copies of the files go."""

    export: Path | None = None
    out: Path | None = None
    xlsx: bool = False
    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    def given(self) -> str:
        """An option that only a run has, as people write it; empty when none was set."""
        options = {
            "--xlsx": self.xlsx,
            "--quiet": self.quiet,
            "--verbose": self.verbose,
            "--json": self.as_json,
        }
        return next((name for name, is_set in options.items() if is_set), "")

    def check(self, input_: Input | None, recipe: Recipe, *, runs: Path) -> None:
        """Refuse, before anything is sent, what cannot be. `runs` has the files of runs. Raises UsageError."""
        from runner.report.files.export import NAME, header_of
        from runner.report.files.workbook import MOST_ROWS

        if self.quiet and self.verbose:
            raise UsageError(
                "--quiet and --verbose do not go together", remedy="leave one of them out"
            )
        if self.xlsx and input_ is not None and input_.line_count > MOST_ROWS:
            message = f"no workbook takes {input_.line_count:,} lines ({MOST_ROWS:,} at most)"
            raise UsageError(message, remedy="leave --xlsx out: results.csv takes them")
        read = [part.path for part in input_.parts] if input_ is not None else []
        if self.export is not None:
            check_not_read(self.export, "--export", read)
            check_export(self.export, "--export", header_of(recipe))
        if self.out is None:
            return
        check_folder(self.out, "--out", self.out)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in FULL:
                raise unwritable(self.out, error, remedy="") from None
            why = (
                "it is no folder"
                if isinstance(error, FileExistsError | NotADirectoryError)
                else error.strerror
            )
            raise UsageError(
                f"--out {self.out} cannot be used: {why}", remedy="name a folder"
            ) from None
        for path in read:
            if is_ours(path) and path.absolute().parent.samefile(self.out):
                remedy = "name another folder, or give the input another name"
                raise UsageError(
                    f"--out {self.out} would overwrite the input, {path.name}", remedy=remedy
                )
        check_copies(self.out, input_, runs=runs)
        if recipe.exports:
            name = self.export.name if self.export is not None else NAME
            check_export(self.out / name, "--out", header_of(recipe))
