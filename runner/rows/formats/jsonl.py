"""JSON Lines: an object on each line, typed as JSON is; declared columns are read from its fields."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from runner.catalogue import AnswerError, parse_json
from runner.problems import nearest
from runner.recipe.model import Column, Rows
from runner.rows.cells import CellError, Convert, compile_cell
from runner.rows.derived import read_columns
from runner.rows.findings import SHOWN_CHARACTERS, Findings
from runner.rows.first_pass import Indexing, Read
from runner.rows.formats.lines import MAX_RECORD_BYTES
from runner.template import to_text

Plan = Sequence[tuple[Column, Convert | None]]


@dataclass(frozen=True)
class JsonLines:
    """Records that are JSON objects. `plan` has the declared columns; without any, a row is the object as it is."""

    plan: Plan

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """The values of records that were found to be in order."""
        for line in raw:
            record = parse_json(line)
            yield {
                column.name: _value(column, convert, record) for column, convert in self.plan
            } or record

    def report(
        self, findings: Findings, *, number: int, raw: bytes, names: Sequence[str], message: str, kind: str, remedy: str
    ) -> None:  # fmt: skip
        """A problem of the record on line `number`, at the first of these columns that it has."""
        text = raw.decode("utf-8-sig", "replace").rstrip("\r\n")
        headers = {column.name: column.headers for column, _ in self.plan}
        fields = [header for name in names for header in headers.get(name, (name,))]
        places = [text.find(f'"{field.rpartition(".")[2]}"') for field in fields]
        column = next((place for place in places if place >= 0), 0)
        # A long object is shown from the field in question on.
        start = max(0, column - 1) if len(text) > 2 * SHOWN_CHARACTERS else 0
        excerpt = text[start : start + 2 * SHOWN_CHARACTERS]
        findings.add(
            message, kind, remedy=remedy, line=number, column=column - start + 1, excerpt=excerpt
        )


def read_json_lines(file: IO[bytes], rows: Rows, indexing: Indexing, findings: Findings) -> Read:
    """Check every line of a file. Raises InvalidError when the columns cannot be used, or a line has no end."""
    form = JsonLines(_plan(rows, findings))
    offset, number, count = 0, 0, indexing.count
    missing = {column.name: column for column, _ in form.plan}
    fields: dict[str, None] = {}
    while raw := file.readline(MAX_RECORD_BYTES + 1):
        number += 1
        if len(raw) > MAX_RECORD_BYTES:
            message = f"line {number} is larger than {MAX_RECORD_BYTES // 1024**2} MiB"
            findings.add(message, "too-long", remedy="an object stands on each line", line=number)
            raise findings.error()
        if raw.strip():
            record = _record(raw, number, findings)
            if record is not None:
                fields.update(dict.fromkeys(record) if missing else ())
                missing = {
                    name: column for name, column in missing.items() if not _fields(column, record)
                }
                _take(
                    form,
                    record,
                    (offset, len(raw), number, zlib.crc32(raw)),
                    raw,
                    indexing,
                    findings,
                )
        offset += len(raw)
    if (
        rows.search is None
        and indexing.count == count
        and not indexing.left_out
        and not findings.total
    ):
        findings.add("has no lines", "empty-file", remedy="it needs an object on each line")
    for column in missing.values() if indexing.count > count else ():
        remedy = nearest(column.header, fields, noun="fields")
        wanted = " or ".join(map(repr, column.headers))
        findings.add(f"no line has a field {wanted}", "missing-column", remedy=remedy)
    return Read(form, offset)


def _take(
    form: JsonLines, record: Mapping[str, Any], place: tuple[int, int, int, int], raw: bytes, indexing: Indexing,
    findings: Findings,
) -> None:  # fmt: skip
    """Check the columns of one record, and remember it."""

    def report(names: Sequence[str], message: str, kind: str, remedy: str) -> None:
        form.report(
            findings,
            number=place[2],
            raw=raw,
            names=names,
            message=message,
            kind=kind,
            remedy=remedy,
        )

    values: dict[str, Any] = {}
    wrong: list[tuple[Column, CellError]] = []
    for column, convert in form.plan:
        try:
            values[column.name] = _value(column, convert, record)
        except CellError as error:
            wrong.append((column, error))
    if not wrong:
        indexing.add(place, values or record, labels={}, report=report)
    elif not indexing.leaves_out(place[2], values):
        for column, fault in wrong:
            report([column.name], f"{column.name} {fault.message}", "bad-value", fault.remedy)


def _plan(rows: Rows, findings: Findings) -> Plan:
    plan, before = [], findings.total
    for column in read_columns(rows):
        try:
            plan.append((column, compile_cell(column)))
        except CellError as error:
            findings.add(f"{column.name} {error.message}", "bad-column", remedy=error.remedy)
    if findings.total > before:
        raise findings.error()
    return plan


def _record(raw: bytes, number: int, findings: Findings) -> dict[str, Any] | None:
    """The object on a line; None when there is none, which is a problem."""
    try:
        record = parse_json(raw)
    except AnswerError as error:
        message = error.reason.removeprefix("the answer ")
    else:
        if isinstance(record, dict):
            return record
        message = "is JSON, but not an object"
    findings.add(
        message,
        "bad-json",
        remedy='each line is one object, as in {"order": "PO-1", "qty": 2}',
        line=number,
    )
    return None


def _value(column: Column, convert: Convert | None, record: Mapping[str, Any]) -> Any:
    """The typed value of a column. Raises CellError when what the record has there is something else."""
    value = record.get(column.header)
    if type(value) is str and not column.others:  # as most are
        return convert(value) if convert else value or None
    headers = _fields(column, record) or [column.header]
    if len(headers) > 1:
        message = f"is {headers[0]!r} or {headers[1]!r}, and both are there"
        raise CellError(message, remedy="take one of them out of the file, or out of `from`")
    header = headers[0]
    value = record[header] if header in record else _inner(record, header)
    if isinstance(value, Mapping) or (isinstance(value, list) and not column.listed):
        kind, example = ("a list", "") if isinstance(value, list) else ("an object", f"{header}.id")
        remedy = (
            f"name what is inside it with `from`, as in {example}"
            if example
            else "leave it out of `columns`"
        )
        raise CellError(f"is {kind}, not one value", remedy=remedy)
    if convert is None:
        return None if value is None else to_text(value) or None
    return convert(value)


def _fields(column: Column, record: Mapping[str, Any]) -> list[str]:
    """Those of the headers that a column accepts which a record has."""
    return [
        header
        for header in column.headers
        if header in record or header.partition(".")[0] in record
    ]


def _inner(record: Any, header: str) -> Any:
    """What stands at a dotted place; None where there is nothing."""
    for name in header.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record
