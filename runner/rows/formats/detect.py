"""Detection of a file's kind: by its first bytes, by declaration, by its ending."""

from __future__ import annotations

import json
from pathlib import PurePath

from runner.recipe.model import Rows
from runner.rows.findings import Findings
from runner.rows.formats.decode import Content

KINDS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
"""Kinds of files, by their endings."""

DELIMITERS = {"csv": ",", "tsv": "\t"}
"""The usual delimiter of a kind of file; the header may show another."""

ENDINGS = (*KINDS, *(f"{ending}.gz" for ending in KINDS if KINDS[ending] != "xlsx"))
"""Endings of files that can be read."""


def ending_of(path: PurePath) -> str:
    """Return the ending of a file's name in lower case, without that of a packed file: `.csv` of `orders.CSV.gz`."""
    return PurePath(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


def kind_of(
    path: PurePath, content: Content, rows: Rows, findings: Findings, *, declared: str = ""
) -> str:
    """Return the kind of a file, or of piped input `declared` to have one. Raises InvalidError for other files."""
    ending = ending_of(path)
    if content.is_archive:
        return "xlsx"
    kind = declared or ("csv" if rows.delimiter else KINDS.get(ending, ""))
    if not kind and str(path) == "-":
        kind = _by_content(content.head)
    if kind == "xlsx":
        remedy = "open it in a spreadsheet and save it as .xlsx"
        findings.add("is no workbook, whatever its name says", "damaged", remedy=remedy)
        raise findings.error()
    if kind:
        return kind
    *others, last = KINDS
    message = "a file without an ending is not supported"
    if ending:
        message = f"files ending in {ending} are not supported"
    remedy = f"save it as {', '.join(others)} or {last}, or say what separates the cells with `delimiter`"
    findings.add(message, "unsupported", remedy=remedy)
    raise findings.error()


def _by_content(head: bytes) -> str:
    """Return the kind of a text by its beginning: JSON by its bracket, in one piece or with an object on each line."""
    text = head.decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("{"):
        return "json" if text.startswith("[") else "csv"
    line, end, rest = text.partition("\n")
    try:
        first = json.loads(line)
    except ValueError:
        return "json" if end else "jsonl"
    # A single line may be either: an object that holds an array is JSON in one piece.
    if rest.strip() or not any(isinstance(value, list) for value in first.values()):
        return "jsonl"
    return "json"
