"""The reporters of a run: the console from its first moment, the files once its rows are known."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import click

from runner.catalogue import Catalogue
from runner.cli.leaving import Talk
from runner.durable import WholeFile, stopping
from runner.engine.events import Reporter
from runner.engine.run import Reporters
from runner.engine.stop import Stop
from runner.journal import History, RunRecord
from runner.problems import UsageError
from runner.recipe.model import Recipe
from runner.rows import Input

if TYPE_CHECKING:
    from runner.report.export import Export


MakeReporter = Callable[[Input | None], Reporter]
"""Makes a reporter for the rows of a run."""


@dataclass(frozen=True)
class Wanted:
    """What a run is to leave besides its own files: where its export goes, a workbook, and copies in a folder."""

    export: Path | None = None
    xlsx: bool = False
    out: Path | None = None

    def check(self, input_: Input | None) -> None:
        """Refuse, before anything is sent, what could not be written in the end. Raises UsageError."""
        from runner.report.workbook import MOST_ROWS

        if self.xlsx and input_ is not None and input_.line_count > MOST_ROWS:
            message = f"no workbook takes {input_.line_count:,} lines ({MOST_ROWS:,} at most)"
            raise UsageError(message, remedy="leave --xlsx out: results.csv takes them")
        if self.out is None:
            return
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = "it is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
            raise UsageError(f"--out {self.out} cannot be used: {why}", remedy="name a folder") from None
        if input_ is not None and input_.path.absolute().parent.samefile(self.out) and _is_ours(input_.path):
            remedy = "name another folder, or give the input another name"
            raise UsageError(f"--out {self.out} would overwrite the input, {input_.path.name}", remedy=remedy)


class RunFiles:
    """The files of a run in its own `folder`, and their copies where they are wanted."""

    def __init__(
        self, run: RunRecord, recipe: Recipe, folder: Path, *, wanted: Wanted, history: History, catalogue: Catalogue,
        input_: Input | None,
    ) -> None:  # fmt: skip
        from runner.report.created import Created
        from runner.report.export import NAME, Export
        from runner.report.files import Files
        from runner.report.results_book import ResultsBook

        self._folder, self._wanted, self._input = folder, wanted, input_
        outputs = tuple(recipe.outputs)
        self.created = Created(folder, history, catalogue, run=run.id)
        book = ResultsBook(folder, run, self.created, outputs=outputs) if wanted.xlsx else None
        self.files = Files(folder, input_, outputs=outputs, book=book)
        self.export: Export | None = None
        self.reporters: list[Reporter] = [self.files]
        if recipe.steps:
            self.reporters.append(self.created)
        else:
            path = wanted.export or folder / NAME
            self.export = Export(path, outputs, private=wanted.export is None)
            self.reporters.append(self.export)

    def close(self) -> None:
        """Leave no half of a file. Safe to call at any time."""
        for each in (self.files, self.created, self.export):
            if each is not None:
                each.close()

    def deliver(self) -> None:
        """Copy what there is to where it is wanted, and say on stdout where it is. Raises StoppedError."""
        written = {name: path for name, path in self._written() if path is not None}
        out = self._wanted.out
        if out is not None:
            with stopping(out, remedy=f"the files are in {_short(self._folder)}"):
                for path in self._stale(out, written.values()):
                    path.unlink()
                written = {name: _copy(path, out) for name, path in written.items()}
        for what, path in written.items():
            click.echo(f"{what:<8} {_short(path)}")

    def _written(self) -> Iterator[tuple[str, Path | None]]:
        if self.export is not None:
            yield "export", self.export.written
        yield "results", self.files.results_path if self.export is None else None
        yield "workbook", self.files.book_path
        yield "created", self.created.path
        yield "to do", self.files.retry_path

    def _stale(self, out: Path, written: Iterable[Path]) -> list[Path]:
        """What an earlier run has left there under a name of ours, and this one has not written."""
        names = {path.name for path in written}
        return [path for path in out.iterdir() if _is_ours(path) and path.name not in names]


class Reports:
    """Writes a run's console, its files into `folder` and, for a recipe without steps, its export."""

    def __init__(
        self, recipe: Recipe, folder: Path, *, wanted: Wanted, stop: Stop, history: History, catalogue: Catalogue
    ) -> None:
        from runner.report.console import Console

        terminal = sys.stderr.isatty()
        talk = sys.stderr if terminal else cast(TextIO, Talk(sys.stderr, stop))
        self.console = Console(talk, terminal=terminal)
        self._recipe, self._folder, self._wanted = recipe, folder, wanted
        self._history, self._catalogue = history, catalogue
        self._files: RunFiles | None = None

    def open(self, number: int, input_: Input | None, also: Sequence[MakeReporter]) -> Reporters:
        """All reporters and `also`, for a run over these rows. The files are opened when the run begins."""
        run = self._history.run(number)
        assert run is not None  # noqa: S101 - it was begun
        self._files = RunFiles(
            run, self._recipe, self._folder, wanted=self._wanted, history=self._history, catalogue=self._catalogue,
            input_=input_,
        )  # fmt: skip
        return Reporters([*self._files.reporters, self.console, *(make(input_) for make in also)])

    def close(self) -> None:
        """Leave no live line and no half of a file. Safe to call at any time."""
        self.console.close()
        if self._files is not None:
            self._files.close()

    def deliver(self) -> None:
        """Where the files are, on stdout; with their copies made first."""
        if self._files is not None:
            self._files.deliver()


def _copy(path: Path, folder: Path) -> Path:
    """A whole copy in a folder. One that is there already stays."""
    target = folder / path.name
    if not (target.exists() and target.samefile(path)):
        with WholeFile(target, private=False) as file, path.open("rb") as source:
            shutil.copyfileobj(source, file)
    return target


def _is_ours(path: Path) -> bool:
    """Whether a file has a name that the files of a run have."""
    return path.name in ("results.csv", "results.xlsx", "created.csv") or path.name.startswith("retry.")


def _short(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
