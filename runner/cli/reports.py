"""The reporters of a run: the console from its first moment, the files once its rows are known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import click

from runner.cli.leaving import Talk
from runner.engine.events import Reporter
from runner.engine.run import Reporters
from runner.engine.stop import Stop
from runner.recipe.model import Recipe
from runner.rows import Input

if TYPE_CHECKING:
    from runner.report.export import Export
    from runner.report.files import Files


MakeReporter = Callable[[Input | None], Reporter]
"""Makes a reporter for the rows of a run."""


class Reports:
    """Writes a run's console, its files into `folder` and, for a recipe without steps, its export."""

    def __init__(self, recipe: Recipe, folder: Path, *, export: Path | None, stop: Stop) -> None:
        from runner.report.console import Console

        terminal = sys.stderr.isatty()
        talk = sys.stderr if terminal else cast(TextIO, Talk(sys.stderr, stop))
        self.console = Console(talk, terminal=terminal)
        self._recipe, self._folder, self._wanted = recipe, folder, export
        self._files: Files | None = None
        self._export: Export | None = None

    def open(self, input_: Input | None, also: Sequence[MakeReporter]) -> Reporters:
        """All reporters and `also`, for a run over these rows. The files are opened when the run begins."""
        from runner.report.export import NAME, Export
        from runner.report.files import Files

        outputs = tuple(self._recipe.outputs)
        self._files = Files(self._folder, input_, outputs=outputs)
        reporters: list[Reporter] = [self._files, self.console, *(make(input_) for make in also)]
        if not self._recipe.steps:
            path = self._wanted or self._folder / NAME
            self._export = Export(path, outputs, private=self._wanted is None)
            reporters.insert(1, self._export)
        return Reporters(reporters)

    def close(self) -> None:
        """Leave no live line and no half of a file. Safe to call at any time."""
        self.console.close()
        for each in (self._files, self._export):
            if each is not None:
                each.close()

    def point_to_files(self) -> None:
        """Where the files are, on stdout."""
        for what, path in self._written():
            if path is not None:
                click.echo(f"{what:<8} {_short(path)}")

    def _written(self) -> Iterator[tuple[str, Path | None]]:
        if self._export is not None:
            yield "export", self._export.written
        if self._files is not None:
            yield "results", self._files.results_path if self._export is None else None
            yield "to do", self._files.retry_path


def _short(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
