"""The first pass over an input file: all that is wrong with it is found before the first row is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.recipe.model import Rows
from runner.rows.announced import Announced
from runner.rows.cells import CellError
from runner.rows.delimited import read_delimited
from runner.rows.findings import Findings
from runner.rows.group import Keys
from runner.rows.indexing import Indexing
from runner.rows.input import Input, changed
from runner.rows.jsonl import read_json_lines
from runner.rows.lines import JSON_LINES, open_file, stamp, unreadable
from runner.rows.making import Making
from runner.template import EvaluationError


def open_input(path: Path, rows: Rows, *, scope: Mapping[str, Any], name: str | None = None) -> Input:
    """Check the whole file at `path` against `rows`.

    `scope` is what the key sees beside `row`, `name` what messages call the file. Without a key, rows are counted.
    Raises InvalidError with every problem found.
    """
    findings = Findings(name or str(path))
    keys = Keys(rows.key, scope, group_by=rows.group_by) if rows.key is not None else None
    making, announced = _made(rows, scope, findings)
    indexing = Indexing(rows, keys, findings, making=making, announced=announced)
    try:
        with open_file(path, findings) as file:
            before = stamp(file)
            if path.suffix.lower() in JSON_LINES and not rows.delimiter:
                found = read_json_lines(file, rows, indexing, findings)
            else:
                found = read_delimited(path, file, rows, indexing, findings)
    except OSError as error:
        raise unreadable(error, findings) from None
    if indexing.left_out and not len(indexing.index):
        message = f"has no rows: `where` leaves out {'each of ' * (len(indexing.left_out) > 1)}its lines"
        findings.add(message, "empty-file", remedy="look at the expression, or at the sheet")
    if findings.total:
        raise findings.error()
    if found.size != before[0]:
        raise changed(findings.file, 1)
    indexing.index.close()
    opened = Input(
        path=path, name=findings.file, digest=found.digest, header=found.header, _header_bytes=found.header_bytes,
        _format=found.format, _group_by=rows.group_by, _keys=keys, _index=indexing.index, _stamp=before,
        left_out=indexing.left_out, _making=making,
        agreed=announced.agreed(lines=len(indexing.index), rows=indexing.index.row_count),
    )  # fmt: skip
    announced.check(findings, lines=opened.line_count, rows=opened.row_count)
    if findings.total:
        raise findings.error()
    if keys is not None:
        if not keys.early:
            opened.check_keys(findings)
        keys.close()
    return opened


def _made(rows: Rows, scope: Mapping[str, Any], findings: Findings) -> tuple[Making, Announced]:
    """What makes rows of records, and what was announced of them. Raises InvalidError."""
    try:
        return Making(rows, scope), Announced(rows, scope)
    except CellError as error:
        findings.add(f"a column {error.message}", "bad-column", remedy=error.remedy)
    except EvaluationError as error:
        findings.add(str(error), "announced", remedy="give it with -v, or leave it out")
    raise findings.error()
