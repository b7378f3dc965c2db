"""JSON Lines: an object on each line, with JSON's types; declared columns are read from its fields."""

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
from runner.rows.first_pass import FirstPass, Indexing
from runner.rows.formats.lines import MAX_RECORD_BYTES
from runner.template import to_text

Plan = Sequence[tuple[Column, Convert | None]]


@dataclass(frozen=True)
class JsonLines:
    """Records that are JSON objects. `plan` has the declared columns; without any, a row is the unchanged object."""

    plan: Plan

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """Yield the values of records that passed the check."""
        for line in raw:
            record = parse_json(line)
            yield {
                column.name: _value(column, convert, record) for column, convert in self.plan
            } or record

    def cells(self, raw: bytes) -> Mapping[str, Any]:
        """Return the fields of a record."""
        record: Mapping[str, Any] = parse_json(raw)
        return record

    def report(
        self,
        findings: Findings,
        *,
        number: int,
        raw: bytes,
        names: Sequence[str],
        message: str,
        kind: str,
        remedy: str,
    ) -> None:
        """Report a problem of the record on line `number`, at the first of these columns that it has."""
        text = raw.decode("utf-8-sig", "replace").rstrip("\r\n")
        headers = {column.name: column.headers for column, _ in self.plan}
        fields = [header for name in names for header in headers.get(name, (name,))]
        places = [text.find(f'"{field.rpartition(".")[2]}"') for field in fields]
        column = next((place for place in places if place >= 0), 0)
        # A long object is shown from this field on.
        start = max(0, column - 1) if len(text) > 2 * SHOWN_CHARACTERS else 0
        excerpt = text[start : start + 2 * SHOWN_CHARACTERS]
        findings.add(
            message, kind, remedy=remedy, line=number, column=column - start + 1, excerpt=excerpt
        )


def read_json_lines(
    file: IO[bytes], rows: Rows, indexing: Indexing, findings: Findings
) -> FirstPass:
    """Check every line of a file. Raises InvalidError when the columns cannot be used, or a line is too long."""
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
            record = read_object(raw, number, findings)
            if record is not None:
                fields.update(dict.fromkeys(record) if missing else ())
                missing = {
                    name: column for name, column in missing.items() if not _fields(column, record)
                }
                place = offset, len(raw), number, zlib.crc32(raw)
                _take(form, record, place, raw, indexing, findings)
        offset += len(raw)
    is_empty = indexing.count == count and not indexing.left_out and not findings.total
    # A search may find nothing; a file without lines is a mistake.
    if is_empty and rows.search is None:
        findings.add("has no lines", "empty-file", remedy="it needs an object on each line")
    for column in missing.values() if indexing.count > count else ():
        remedy = nearest(column.header, fields, noun="fields")
        names = " or ".join(map(repr, column.headers))
        findings.add(f"no line has a field {names}", "missing-column", remedy=remedy)
    return FirstPass(form, offset)


def _take(
    form: JsonLines,
    record: Mapping[str, Any],
    place: tuple[int, int, int, int],
    raw: bytes,
    indexing: Indexing,
    findings: Findings,
) -> None:
    """Check the columns of one record, and add it to the index."""

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
        told = findings.total
        for column, fault in wrong:
            report([column.name], f"{column.name} {fault.message}", "bad-value", fault.remedy)
        indexing.add_wrong(place, values, told=told)


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


def read_object(raw: bytes, number: int, findings: Findings) -> dict[str, Any] | None:
    """Return the object on a line, or None after a report."""
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
    """Return the typed value of a column. Raises CellError when the field has another type."""
    value = record.get(column.header)
    # The fast path: most fields are texts under one name.
    if type(value) is str and not column.others:
        return convert(value) if convert else value or None
    headers = _fields(column, record) or [column.header]
    if len(headers) > 1:
        message = f"is {headers[0]!r} or {headers[1]!r}, and both are there"
        raise CellError(message, remedy="take one of them out of the file, or out of `from`")
    header = headers[0]
    value = record[header] if header in record else _inner(record, header)
    if isinstance(value, Mapping) or (isinstance(value, list) and not column.listed):
        kind, remedy = "a list", "leave it out of `columns`"
        if isinstance(value, Mapping):
            kind, remedy = "an object", f"name what is inside it with `from`, as in {header}.id"
        raise CellError(f"is {kind}, not one value", remedy=remedy)
    if convert is None:
        return None if value is None else to_text(value) or None
    return convert(value)


def _fields(column: Column, record: Mapping[str, Any]) -> list[str]:
    """Return those of the headers that a column accepts which a record has."""
    return [
        header
        for header in column.headers
        if header in record or header.partition(".")[0] in record
    ]


def _inner(record: Any, header: str) -> Any:
    """Return the value at a dotted place, or None."""
    for name in header.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record
