"""The files that a recipe or a configuration names: below its folder, and none in which secrets or a journal are kept.

A file that is no table would show what it holds in messages, and one that is would send it; so a recipe from somewhere
else says nothing of files outside its folder. `--rows`, on the command line, is the word of the person at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from glob import has_magic
from pathlib import Path

from runner.config import NAME
from runner.problems import InvalidError, Problem
from runner.recipe.load import Loaded
from runner.recipe.model import PIPED

_RUNS = "runs"


def why_not(path: Path, folder: Path) -> str:
    """Say why a file may not be read for what lies in `folder`, links resolved; empty where it may."""
    try:
        place, root = path.resolve(), folder.resolve()
    except (OSError, ValueError, RuntimeError):
        return "is no name of a file"
    if not place.is_relative_to(root):
        return f"is not below {root}"
    parts = [part.lower() for part in place.relative_to(root).parts]
    if any(part.startswith(".") for part in parts):
        return "is hidden: secrets are kept in such files"
    if parts[-1:] == [NAME]:
        return "is a configuration"
    return "lies in a folder of runs" if _RUNS in parts[:-1] else ""


def check_own_files(loaded: Loaded, folder: Path) -> None:
    """Refuse a recipe in `folder` that names files which it may not read. Raises InvalidError with all of them."""
    problems = [*_wrong_rows(loaded, folder), *_wrong_lookups(loaded, folder)]
    if problems:
        raise InvalidError(problems)


def _wrong_rows(loaded: Loaded, folder: Path) -> Iterator[Problem]:
    rows, source = loaded.recipe.rows, loaded.source
    for index, name in enumerate(rows.file if rows is not None else ()):
        path: tuple[str | int, ...] = ("rows", "file")
        path = (*path, index) if isinstance(source.data["rows"]["file"], list) else path
        if name == PIPED or (has_magic(name) and not (folder / name).exists()):
            continue  # what a pattern finds is looked at when it is known
        if why := why_not(folder / name, folder):
            yield source.problem(source.value(path), f"{name!r} {why}", "file", remedy=_REMEDY)


def _wrong_lookups(loaded: Loaded, folder: Path) -> Iterator[Problem]:
    source = loaded.source
    for lookup in loaded.recipe.lookups:
        if lookup.file and (why := why_not(folder / lookup.file, folder)):
            place = source.value(("lookups", lookup.name, "file"))
            remedy = "keep the file beside the recipe, or below"
            yield source.problem(place, f"{lookup.file!r} {why}", "file", remedy=remedy)


_REMEDY = "keep the file beside the recipe, or below; --rows FILE, on the command line, takes one from anywhere"
