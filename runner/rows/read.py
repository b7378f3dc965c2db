"""The first pass over an input file: all that is wrong with it is found before the first row is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.recipe.model import Rows
from runner.rows.delimited import read_delimited
from runner.rows.findings import Findings
from runner.rows.group import Keys
from runner.rows.indexing import Indexing
from runner.rows.input import Input, changed
from runner.rows.jsonl import read_json_lines
from runner.rows.lines import JSON_LINES, open_file, stamp, unreadable


def open_input(path: Path, rows: Rows, *, scope: Mapping[str, Any], name: str | None = None) -> Input:
    """Check the whole file at `path` against `rows`.

    `scope` is what the key sees beside `row`, `name` what messages call the file. Without a key, rows are counted.
    Raises InvalidError with every problem found.
    """
    findings = Findings(name or str(path))
    keys = Keys(rows.key, scope, group_by=rows.group_by) if rows.key is not None else None
    indexing = Indexing(rows, keys, findings)
    try:
        with open_file(path, findings) as file:
            before = stamp(file)
            if path.suffix.lower() in JSON_LINES and not rows.delimiter:
                found = read_json_lines(file, rows, indexing, findings)
            else:
                found = read_delimited(path, file, rows, indexing, findings)
    except OSError as error:
        raise unreadable(error, findings) from None
    if findings.total:
        raise findings.error()
    if found.size != before[0]:
        raise changed(findings.file, 1)
    indexing.index.close()
    opened = Input(
        path=path, name=findings.file, digest=found.digest, header=found.header, _header_bytes=found.header_bytes,
        _format=found.format, _group_by=rows.group_by, _keys=keys, _index=indexing.index, _stamp=before,
    )  # fmt: skip
    if keys is not None:
        if not keys.early:
            opened.check_keys(findings)
        keys.close()
    return opened
