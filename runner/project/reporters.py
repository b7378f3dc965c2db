"""The reporters of a run: the console from its first moment, the files once its rows are known."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from runner.catalogue import Catalogue
from runner.config import Config
from runner.durable import WholeFile, stopping
from runner.engine.events import Reporter, RunEnded
from runner.engine.run import Reporters
from runner.engine.stop import Stop
from runner.journal import History, Journal, RunRecord
from runner.problems import RunnerError
from runner.project.output_files import is_ours
from runner.project.output_settings import Wanted
from runner.project.signals import Talk
from runner.project.streams import is_live, say
from runner.recipe.model import Recipe
from runner.rows import Input

if TYPE_CHECKING:
    from runner.report.console import Console
    from runner.report.events import Events
    from runner.report.files.export import Export
    from runner.report.notify import Ending


MakeReporter = Callable[[Input | None], Reporter]
"""Makes a reporter for the rows of a run."""


class RunFiles:
    """The files of a run in its own `folder`, and their copies where they are wanted."""

    def __init__(
        self, run: RunRecord, recipe: Recipe, folder: Path, *, wanted: Wanted, history: History, catalogue: Catalogue,
        input_: Input | None, live: bool = True,
    ) -> None:  # fmt: skip
        from runner.report.files.created import Created
        from runner.report.files.export import NAME, Export
        from runner.report.files.results import Files
        from runner.report.files.results_xlsx import ResultsBook

        self._folder, self._wanted, self._input = folder, wanted, input_
        outputs = tuple(recipe.outputs)
        self.created = Created(folder, history, catalogue, run=run.id, live=live)
        book = ResultsBook(folder, run, self.created) if wanted.xlsx else None
        self.files = Files(folder, input_, outputs=outputs, book=book)
        self.export: Export | None = None
        self.reporters: list[Reporter] = [
            self.created,
            self.files,
        ]  # in this order: the workbook has what was created
        if recipe.exports:
            path = wanted.export or folder / NAME
            self.export = Export(path, recipe, private=wanted.export is None)
            self.reporters = [self.files, self.export]

    def close(self) -> None:
        """Leave no half of a file. Safe to call at any time."""
        for each in (self.files, self.created, self.export):
            if each is not None:
                each.close()

    def deliver(self) -> dict[str, Path]:
        """Copy what there is to where it is wanted; returns where it is. Raises StoppedError."""
        written = self.written()
        out = self._wanted.out
        if out is not None:
            with stopping(out, remedy=f"the files are in {_short(self._folder)}"):
                for path in self._stale(out, written.values()):
                    path.unlink()
                written = {name: _copy(path, out) for name, path in written.items()}
        return written

    def written(self) -> dict[str, Path]:
        """The files that are there, by what they are."""
        return {name: path for name, path in self._written() if path is not None}

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
        return [path for path in out.iterdir() if is_ours(path) and path.name not in names]


class Reports:
    """Writes a run's console, its files into `folder`, its events and, for a recipe without steps, its export."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        *,
        wanted: Wanted,
        stop: Stop,
        history: History,
        catalogue: Catalogue,
    ) -> None:
        self._recipe, self._folder, self._wanted = recipe, folder, wanted
        self._history, self._catalogue = history, catalogue
        self._files: RunFiles | None = None
        self.console = _console(wanted, stop)
        self.early: list[Reporter] = [self.console]
        """Those that tell of a run before its rows are known."""
        self._ending: Ending | None = None
        self._events: Events | None = None
        if wanted.as_json:
            from runner.report.events import Events

            self._events = Events(cast(TextIO, Talk(sys.stdout, stop)))
            self.early.append(self._events)

    def open(self, number: int, input_: Input | None, also: Sequence[MakeReporter]) -> Reporters:
        """All reporters and `also`, for a run over these rows. The files are opened when the run begins."""
        run = self._history.run(number)
        assert run is not None  # noqa: S101 - it was begun
        self._files = RunFiles(
            run, self._recipe, self._folder, wanted=self._wanted, history=self._history, catalogue=self._catalogue,
            input_=input_,
        )  # fmt: skip
        from runner.report.notify import Ending

        self._ending = Ending()
        return Reporters(
            [*self._files.reporters, self._ending, *self.early, *(make(input_) for make in also)]
        )

    @property
    def created_is_whole(self) -> bool:
        """Whether created.csv has all that the journal has."""
        return self._files is not None and self._files.created.whole

    def close(self) -> None:
        """Leave no live line and no half of a file. Safe to call at any time."""
        self.console.close()
        if self._files is not None:
            self._files.close()

    def notify(self, settings: Config, journal: Journal, number: int) -> None:
        """Tell whom the configuration names of the end, however it came; what came of that is on record, no more."""
        run = self._history.run(number)
        if not settings.notify or run is None:
            return
        from runner.project.notify import tell
        from runner.report.notify import Ending

        told = (self._ending or Ending()).told(run)
        with suppress(RunnerError):
            for record in tell(
                settings, told, self._files.written() if self._files is not None else {}
            ):
                journal.notice(record)

    def deliver(self, ended: RunEnded) -> None:
        """Copy the files to where they are wanted, and say where they are on stdout."""
        written = self._files.deliver() if self._files is not None else {}
        if self._events is not None:
            self._events.files(written)
        elif ended.exit_code or not self._wanted.quiet:
            tell_files(written)


def tell_files(written: Mapping[str, Path]) -> None:
    """Where files are, on stdout."""
    for what, path in written.items():
        say(f"{what:<8} {_short(path)}")


def _console(wanted: Wanted, stop: Stop) -> Console:
    """The talk on stderr: live where somebody watches, in colour where it is wanted."""
    from runner.report.console import Console

    return Console(
        cast(TextIO, Talk(sys.stderr, stop)),
        terminal=is_live(sys.stderr),
        colour=bool(os.environ.get("FORCE_COLOR")),
        quiet=wanted.quiet,
        verbose=wanted.verbose,
    )


def _copy(path: Path, folder: Path) -> Path:
    """A whole copy in a folder. One that is there already stays."""
    target = folder / path.name
    if not (target.exists() and target.samefile(path)):
        with WholeFile(target, private=False) as file, path.open("rb") as source:
            shutil.copyfileobj(source, file)
    return target


def _short(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
