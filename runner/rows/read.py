"""First pass over an input: it reports all defects before the first row is used."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.problems import LINES_A_FILE, PROBLEMS_SHOWN, InvalidError
from runner.recipe.model import Column, Rows
from runner.rows.cells import CellError
from runner.rows.control_totals import ControlTotals
from runner.rows.derived import RowBuilder
from runner.rows.findings import Findings
from runner.rows.first_pass import Indexing
from runner.rows.formats.decode import Spool, unpack
from runner.rows.formats.delimited import read_delimited
from runner.rows.formats.detect import DELIMITERS, kind_of
from runner.rows.formats.json_array import spool_objects
from runner.rows.formats.jsonl import read_json_lines
from runner.rows.formats.lines import open_file, stamp, unreadable
from runner.rows.group import Keys
from runner.rows.input import Input
from runner.rows.part import Part, changed, unchanged
from runner.rows.wrong_rows import MOST_WRONG, WrongLine
from runner.template import EvaluationError


@dataclass(frozen=True)
class Piped:
    """Piped input in a file of its own, with its kind where that is declared."""

    file: Spool
    kind: str = ""


class InputError(InvalidError):
    """Problems of an input that could be read to its end: `read` is that input, `found` are its problems."""

    def __init__(self, read: Input, findings: Findings) -> None:
        error = findings.error()
        super().__init__(error.problems, total=error.total)
        self.read, self.found = read, findings.all()


def open_input(
    path: Path,
    rows: Rows,
    *,
    scope: Mapping[str, Any],
    name: str | None = None,
    piped: Piped | None = None,
    more: Sequence[Path] = (),
    aside: bool = False,
) -> Input:
    """Check the complete file at `path` against `rows`, and `more` files that continue it, as one input.

    `scope` are the variables of the key beside `row`, `name` is the file's name in messages. Without a key, rows are
    counted. `path` may be `-` with the `piped` input. Raises InvalidError with every problem, an InputError where the
    file could be read to its end; with `aside`, not for wrong cells, which are then `wrong` in the input, up to
    `MOST_WRONG` of them.
    """
    findings = Findings(name or str(path), most=MOST_WRONG if aside else PROBLEMS_SHOWN)
    keys = Keys(rows.key, scope, rows=rows) if rows.key is not None else None
    builder, totals = _prepared(rows, scope, findings)
    indexing = Indexing(rows, keys, scope=scope, builder=builder, totals=totals, findings=findings)
    parts = _read_all([path, *more], rows, indexing, findings, piped)
    findings.file = parts[0].name if not more else f"{parts[0].name} and {len(more)} more"
    _check_total(indexing, totals, findings, aside=aside)
    checked = Input(
        name=findings.file,
        digest=_digest(parts),
        parts=tuple(parts),
        warnings=tuple(findings.warnings),
        announced=totals.agreed(),
        left_out=indexing.left_out,
        wrong=indexing.wrong,
        _builder=builder,
        _rows=rows,
        _keys=keys,
        _index=indexing.index,
    )
    # Groups with a line missing would have other keys; keys of single lines are checked in any case.
    if not rows.group_by or findings.total <= _of_rows(checked.wrong, aside=aside):
        checked.check_keys(findings)
    if findings.total > _of_rows(checked.wrong, aside=aside):
        raise InputError(checked, findings)
    return checked


def _of_rows(wrong: Mapping[int, WrongLine], *, aside: bool) -> int:
    """Return the number of problems that concern single rows, where these are set aside."""
    return sum(len(line.problems) for line in wrong.values()) if aside else 0


def read_as(input_: Input, columns: Sequence[Column], *, scope: Mapping[str, Any]) -> Input:
    """Read the files of an input once more, each line a row with other columns. Raises InvalidError."""
    first, *others = input_.parts
    file = input_.piped
    found = open_input(
        first.path,
        input_.rows_with(columns),
        scope=scope,
        name=first.name,
        piped=Piped(file, first.kind) if file is not None else None,
        more=[part.path for part in others],
        aside=True,
    )
    if found.digest != input_.digest:
        raise changed(first.name, 1)
    return found


def _read_all(
    paths: Sequence[Path],
    rows: Rows,
    indexing: Indexing,
    findings: Findings,
    piped: Piped | None,
) -> list[Part]:
    """Check every record of the files, the first of which may be piped input. Raises InvalidError."""
    parts: list[Part] = []
    try:
        for number, path in enumerate(paths):
            if number:
                findings.file = str(path)
            indexing.part, indexing.before = number, number * LINES_A_FILE
            part = _read(path, rows, indexing, findings, None if number else piped)
            parts.append(_alike(parts[0], part, findings) if parts else part)
        indexing.index.close()
    except OSError as error:
        raise unreadable(error, findings) from None
    return parts


def _check_total(
    indexing: Indexing, totals: ControlTotals, findings: Findings, *, aside: bool
) -> None:
    """Report an input whose lines are all filtered out, and control totals that differ."""
    if indexing.left_out and not len(indexing.index):
        lines = "each of its lines" if len(indexing.left_out) > 1 else "its lines"
        message = f"has no rows: `where` leaves out {lines}"
        findings.add(message, "empty-file", remedy="look at the expression, or at the sheet")
    # Totals of an input with wrong lines differ for that reason alone; those that are set aside count.
    if findings.total == _of_rows(indexing.wrong, aside=aside):
        index = indexing.index
        totals.check(findings, lines=len(index), rows=index.row_count)


def _alike(first: Part, part: Part, findings: Findings) -> Part:
    """Return a file that continues the first one, after reporting where it differs from it.

    A retry file of all of them has one header, so that they have to agree; columns may be in another order.
    """
    remedy = f"give it the columns and the format of {first.name}, or run it by itself"
    if part.kind != first.kind or part.delimiter != first.delimiter:
        findings.add(f"is not in the format of {first.name}", "other-format", remedy=remedy)
    elif part.read.header != first.read.header:
        here, there = Counter(part.read.header), Counter(first.read.header)
        if here == there:
            return replace(part, order=_order(part.read.header, first.read.header))
        own, other = (", ".join(map(repr, names)) for names in (here - there, there - here))
        differs = " and ".join(
            filter(None, (own and f"{own} only here", other and f"{other} only there"))
        )
        findings.add(
            f"has not the columns of {first.name}: {differs}", "other-header", remedy=remedy
        )
    return part


def _order(header: Sequence[str], target: Sequence[str]) -> tuple[int, ...]:
    """Return the places of the names of `target` in a header with the same names; unnamed ones follow in order."""
    places: dict[str, list[int]] = {}
    for at, name in enumerate(header):
        places.setdefault(name, []).append(at)
    return tuple(places[name].pop(0) for name in target)


def _digest(parts: Sequence[Part]) -> str:
    """Return the digest of a file, or that of the names and digests of several."""
    if len(parts) == 1:
        return parts[0].digest
    lines = (f"{part.digest}  {part.path.name}\n" for part in parts)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _prepared(
    rows: Rows, scope: Mapping[str, Any], findings: Findings
) -> tuple[RowBuilder, ControlTotals]:
    """Return the builder of rows, and the control totals. Raises InvalidError."""
    try:
        return RowBuilder(rows, scope), ControlTotals(rows, scope)
    except CellError as error:
        findings.add(f"a column {error.message}", "bad-column", remedy=error.remedy)
    except EvaluationError as error:
        findings.add(str(error), "announced", remedy="give it with -v, or leave it out")
    raise findings.error()


def _read(
    path: Path, rows: Rows, indexing: Indexing, findings: Findings, piped: Piped | None
) -> Part:
    """Check every record of one file."""
    with ExitStack() as opened:
        file = opened.enter_context(open_file(path, findings)) if piped is None else piped.file
        # Taken first: a change during the check is seen at its end.
        before = stamp(file)
        content = unpack(file, rows.encoding, findings)
        declared = piped.kind if piped is not None else ""
        kind = kind_of(path, content, rows, findings, declared=declared)
        # The file itself is read again by its path; other content has to be stored.
        spool = content.file if content.own or piped is not None else None
        if kind == "xlsx":
            # Imported on use: the XML parser is slow to import.
            from runner.rows.formats.xlsx.workbook import read_workbook

            read, spool = read_workbook(content, rows, indexing, findings)
        elif kind == "json":
            spool = spool_objects(content.file, findings)
            read = read_json_lines(spool, rows, indexing, findings)
        elif kind == "jsonl":
            read = read_json_lines(content.file, rows, indexing, findings)
        else:
            read = read_delimited(content.file, DELIMITERS[kind], rows, indexing, findings)
        is_short = spool is None and read.size != before[0]
        if is_short or not unchanged(file, before, content.digest):
            raise changed(findings.file, 1)
    return Part(
        path=path,
        name=findings.file,
        kind=kind,
        digest=content.digest,
        read=read,
        before=indexing.before,
        encoding=content.encoding,
        spool=spool,
        stamp=before,
        piped=piped.file if piped is not None else None,
    )
