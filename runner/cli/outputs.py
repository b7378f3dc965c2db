"""Files that a command line names for its output: none of them may be one that is something else already."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from runner.problems import UsageError

_RECOGNIZED = {
    ".xml": ("JUnit XML", (b"<testsuite",)),
    ".json": ("a plan", (b'{"plan":',)),
    ".html": ("a page of a run", (b"<!doctype html>",)),
    ".htm": ("a page of a run", (b"<!doctype html>",)),
}
"""Kinds of files by their endings, as they are called, and what stands at the beginning of one of ours."""

_HEAD = 200
"""Bytes of a file that are looked at."""


def check_output(path: Path, option: str, *, ending: str = "") -> Path:
    """Return the path of an output. Raises UsageError where writing it would destroy something.

    That is a file in the folder of a journal, whose files are made by runs alone, and a file that is no earlier output
    of the same kind. With `ending` the output has to be called so.
    """
    if ending and path.suffix.lower() != ending:
        raise UsageError(
            f"{option} {path} does not end in {ending}", remedy=f"name a {ending} file"
        )
    check_folder(path.parent, option, path)
    what, starts = _RECOGNIZED.get(path.suffix.lower(), ("", ()))
    head = _head(path) if starts else b""
    if head and not any(start in head.lower() for start in starts):
        raise UsageError(
            f"{option} {path} is there already, and is not {what}", remedy="name another file"
        )
    return path


def _head(path: Path) -> bytes:
    """The first bytes of a file; none where there is no such file, or it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(_HEAD)
    return b""


def check_folder(folder: Path, option: str, path: Path) -> None:
    """Refuse an output in the folder of a journal or below it. Raises UsageError."""
    from runner.journal.store import NAME  # imported on use: most commands write no file

    folder = folder.resolve()
    for each in (folder, *folder.parents):
        if (each / NAME).exists():
            raise UsageError(
                f"{option} {path} lies in {each}, where the journal and the files of runs are",
                remedy="name a file elsewhere",
            )


def check_not_read(path: Path, option: str, files: Iterable[Path]) -> None:
    """Refuse an output that is one of the files which are read. Raises UsageError."""
    for each in files:
        same = False
        with suppress(OSError):
            same = path.samefile(each)
        if same:
            raise UsageError(f"{option} {path} would overwrite {each}", remedy="name another file")
