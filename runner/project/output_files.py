"""Files that a command line names for its output: none of them may be one that is something else already.

One rule for all commands: what stands there is replaced only when it begins as an earlier output of the same kind
does, or is a copy of a file of a run, byte for byte.
"""

from __future__ import annotations

import filecmp
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from runner.problems import UsageError
from runner.recipe.model import FILE_COLUMN, RESULT_COLUMNS

if TYPE_CHECKING:
    from runner.rows import Input

HEAD = 16_384
"""Bytes of a file that are looked at."""

IsOurs = Callable[[Path], bool]
"""Whether what stands at a path is an earlier output of the kind that would be written there."""


def _begins(pattern: bytes) -> IsOurs:
    """Files that begin with a pattern."""
    found = re.compile(pattern, re.DOTALL)
    return lambda path: found.match(_head(path)) is not None


def is_book(path: Path) -> bool:
    """Whether a file is a workbook that this program has written."""
    import zipfile  # imported on use, as what is below: few outputs are workbooks

    from runner.report.files.workbook import MARK

    with (
        suppress(OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError),
        zipfile.ZipFile(path) as book,
        book.open("docProps/core.xml") as core,
    ):
        return f">{MARK}<".encode() in core.read(HEAD)
    return False


_PAGE = ("a page of a run", _begins(rb"<!doctype html>\n<html lang=.{,2000}?<title>run [0-9]+: "))
_KINDS: dict[str, tuple[str, IsOurs]] = {
    ".xml": (
        "JUnit XML of this program",
        _begins(
            rb'<\?xml version="1.0" encoding="utf-8"\?>\n<testsuites>\n'
            rb'  <testsuite name=["\'](runner validate|[^\n]* -&gt; )'
        ),
    ),
    ".json": ("a plan", _begins(rb'\{"plan":[0-9]+,\n')),
    ".md": ("a plan", _begins(rb"### (Dry run: `|[0-9,]+ problems?\n\n\*\*Nothing was planned)")),
    ".txt": ("a plan", _begins(rb"DRY RUN  ")),
    ".html": _PAGE,
    ".htm": _PAGE,
}
"""What is written to files by their endings, as it is called, and how an earlier one is told."""


def check_output(
    path: Path, option: str, *, ending: str = "", kind: tuple[str, IsOurs] | None = None
) -> Path:
    """Return the path of an output. Raises UsageError where writing it would destroy something.

    That is a file in the folder of a journal, whose files are made by runs alone, and a file that is no earlier output
    of the same `kind`: how it is called, and how it is told; by default what the ending says. With `ending` the output
    has to be called so.
    """
    if ending and path.suffix.lower() != ending:
        raise UsageError(
            f"{option} {path} does not end in {ending}", remedy=f"name a {ending} file"
        )
    check_folder(path.parent, option, path)
    kind = kind or _KINDS.get(path.suffix.lower())
    if kind is not None and _head(path) and not kind[1](path):
        raise UsageError(
            f"{option} {path} is there already, and is not {kind[0]}",
            remedy="name another file, or move that one away",
        )
    return path


def check_export(path: Path, option: str, header: Sequence[str]) -> None:
    """Refuse an export in the place of what is no export with these columns. Raises UsageError."""
    from runner.catalogue import parse_own_json
    from runner.report.files.cells import record

    def is_lines(path: Path) -> bool:
        line = _head(path).partition(b"\n")[0]
        with suppress(ValueError):
            tree = parse_own_json(line.decode())
            return isinstance(tree, dict) and list(tree) == list(header)
        return False

    told: dict[str, IsOurs] = {
        ".csv": lambda path: _head(path).startswith("\ufeff".encode() + record(header)),
        ".jsonl": is_lines,
        ".xlsx": is_book,
    }
    kind = ("an export with these columns", told[path.suffix.lower()])
    check_output(path, option, kind=kind)


def check_copies(folder: Path, input_: Input | None, *, runs: Path) -> None:
    """Refuse a folder for copies in which a file would be replaced that no run has written. Raises UsageError."""
    for path in sorted(folder.iterdir()):
        if is_ours(path) and _head(path) and not _is_copy(path, input_, runs=runs):
            raise UsageError(
                f"--out {folder} would replace {path.name}, which no run has written",
                remedy="name another folder, or move that file away",
            )


def is_ours(path: Path) -> bool:
    """Whether a file has a name that the files of a run have."""
    return path.name in (*_COPIES, "results.xlsx") or path.name.startswith("retry.")


def _is_copy(path: Path, input_: Input | None, *, runs: Path) -> bool:
    """Whether a file begins as the one of a run that is called so does, or is the same as one."""
    if path.name in _COPIES:
        starts = [("\ufeff" + ",".join(names)).encode() for names in _COPIES[path.name]]
        return _head(path).startswith(tuple(starts))
    if path.suffix == ".xlsx":
        return is_book(path)
    if input_ is not None and path.suffix == input_.retry_ending and not input_.sheet:
        header = BytesIO()
        input_.write_some(header, ())
        if b"\n" in header.getvalue() and _head(path).startswith(header.getvalue()[:HEAD]):
            return True
    with suppress(OSError):
        return any(filecmp.cmp(path, each, shallow=False) for each in runs.glob(f"*/{path.name}"))
    return False


_COPIES = {
    "results.csv": (RESULT_COLUMNS, (FILE_COLUMN, *RESULT_COLUMNS)),
    "created.csv": (("time", "effect", "operation", "id", "key", "row", "step", "item"),),
}
"""Files of a run that have columns of their own, by name."""


def _head(path: Path) -> bytes:
    """The first bytes of a file; none where there is no such file, or it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(HEAD)
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
