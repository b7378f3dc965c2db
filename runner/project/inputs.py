"""The input of a recipe: which file it is, opened and checked, and what was taken for granted about it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from glob import escape, glob, has_magic
from pathlib import Path
from typing import Any

from runner.durable import WholeFile, stopping
from runner.journal import Journal, RowRecord
from runner.problems import UsageError, draw
from runner.project.own_files import why_not
from runner.project.projects import Project, make_folder, storable
from runner.project.streams import note, say
from runner.recipe.model import PIPED, Rows
from runner.rows import Input, Piped, Spool, open_input

LARGE = 1024 * 1024
"""Bytes of an input that take a while to check."""

PACKED = 8
"""How many times as large what is packed may be as the file it is in, to begin with."""

STDIN = "<stdin>"


def input_of(
    project: Project,
    rows_files: Sequence[Path],
    scope: Mapping[str, Any],
    *,
    piped_as: str = "",
    aside: bool = False,
) -> Input | None:
    """The checked input; None for a recipe without rows, and where they are still to be read from an API.

    `piped_as` is the format of what is piped in; empty where how it begins has to tell. With `aside`, wrong cells do
    not refuse it.
    """
    rows = project.recipe.rows
    if rows is None:
        if rows_files:
            raise UsageError(
                "this recipe has no rows, so --rows has no meaning", remedy="leave --rows out"
            )
        return None
    if not rows_files and rows.search is not None:
        return None
    if not rows_files and not rows.file:
        raise UsageError("the recipe names no input", remedy="--rows FILE")
    named = () if rows_files else rows.file
    own = [Path(name) if name == PIPED else beside(project.path, name) for name in named]
    given = rows_files or own
    for path in given:
        storable(path, "the input")
    for path in files_of(own) if any(map(_is_pattern, own)) else ():
        if str(path) != PIPED and (why := why_not(path, project.path.parent)):
            raise UsageError(f"{path} {why}", remedy="name with --rows what is meant all the same")
    name = given[0].name if project.shipped and len(own) == 1 else ""
    opened = open_named(given, rows, scope, name=name, piped_as=piped_as, aside=aside)
    if opened.layout:
        note(f"{opened.name}: {opened.layout}")
    if opened.warnings:
        say("\n".join(map(draw, opened.warnings)), to_stderr=True)
    return opened


def _tell_large(path: Path, name: str) -> None:
    """Say what is waited for, where nothing else is seen for a while: the last line may be what is wrong."""
    with suppress(OSError):
        size = path.stat().st_size
        if size >= (LARGE // PACKED if path.suffix.lower() in (".xlsx", ".gz") else LARGE):
            note(f"{name}: checking all of its {size / 10**6:,.1f} MB before the first row")


def beside(recipe: Path, name: str) -> Path:
    """A file, or the pattern of several, beside a recipe; its folder is no part of a pattern, whatever it is called."""
    path = recipe.parent / name
    return (
        Path(escape(str(recipe.parent))) / name if has_magic(name) and not path.exists() else path
    )


def _is_pattern(path: Path) -> bool:
    """Whether a path stands for several: one that is there is that file, whatever signs its name has."""
    return has_magic(str(path)) and not path.exists()


def files_of(given: Sequence[Path]) -> list[Path]:
    """The files that are meant, those of a pattern by name. Raises UsageError where there is none, or one twice."""
    files: dict[Path, Path] = {}
    for path in given:
        found = [path]
        if _is_pattern(path):
            names = sorted(glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
            found = [each for each in map(Path, names) if each.is_file()]
            if not found:
                raise UsageError(
                    f"no file is called {path}", remedy="look at the folder and the pattern"
                )
        for each in found:
            if str(each) == PIPED and len(given) > 1:
                remedy = "leave --rows - or the files out"
                raise UsageError("what is piped in does not go together with files", remedy=remedy)
            if each.resolve() in files:
                remedy = "name it once: its lines would be there twice"
                raise UsageError(f"{each} is named twice as an input", remedy=remedy)
            files[each.resolve()] = each
    return list(files.values())


def origin_of(given: Sequence[Path]) -> str:
    """How the journal keeps what was given: a path, or a JSON list of them, that means the same in every folder."""
    if len(given) == 1 and not _is_pattern(given[0]):
        return str(given[0] if str(given[0]) == PIPED else given[0].absolute())
    here = Path(escape(str(Path.cwd())))
    absolute = (here / path if _is_pattern(path) else path.absolute() for path in given)
    return json.dumps([str(path) for path in absolute], ensure_ascii=False)


def near(name: str) -> Path:
    """A file or pattern of `origin_of` as somebody in this folder calls it, so that files and messages do so too."""
    for here in (Path.cwd(), Path(escape(str(Path.cwd())))):
        with suppress(ValueError):
            return Path(name).relative_to(here)
    return Path(name)


def open_named(
    given: Sequence[Path],
    rows: Rows,
    scope: Mapping[str, Any],
    *,
    name: str = "",
    piped_as: str = "",
    aside: bool = False,
) -> Input:
    """The checked files, or what is piped in where `-` is given. Raises UsageError where nothing is.

    With `aside`, wrong cells do not refuse them.
    """
    path, *more = files_of(given)
    for each in (path, *more):
        _tell_large(each, name or str(each))
    if str(path) != PIPED:
        opened = open_input(path, rows, scope=scope, name=name or str(path), more=more, aside=aside)
        return replace(opened, origin=origin_of(given))
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "nothing is piped in", remedy="as in: cat orders.csv | runner run RECIPE --rows -"
        )
    spool = Spool()
    shutil.copyfileobj(sys.stdin.buffer, spool)
    spool.seek(0)
    piped = Piped(spool, piped_as)
    opened = open_input(path, rows, scope=scope, name=STDIN, piped=piped, aside=aside)
    return replace(opened, origin=PIPED)


def keep_piped(input_: Input, journal: Journal, folder: Path) -> None:
    """Keep what was piped in with its run, so that every resume has the same rows."""
    piped = input_.piped
    if piped is None:
        return
    make_folder(folder)
    path = folder / f"stdin.{input_.parts[0].kind}"
    with stopping(path), WholeFile(path) as file:
        shutil.copyfileobj(piped, file)
    take_input(journal, int(folder.name), input_, path)


def take_input(
    journal: Journal, run: int, input_: Input, path: Path, *, known: Iterable[RowRecord] = ()
) -> None:
    """Record that the rows of a run are kept in the file at `path`, and those of which something is `known`."""
    journal.take_input(
        run, file=str(path.absolute()), digest=input_.digest, lines=input_.line_count, rows=input_.row_count,
        left_out=len(input_.left_out), known=known,
    )  # fmt: skip
