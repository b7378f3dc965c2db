"""What kind of file an input is: by its first bytes, by what is said, by its ending."""

from __future__ import annotations

import json
from pathlib import PurePath

from runner.recipe.model import Rows
from runner.rows.findings import Findings
from runner.rows.formats.decode import Content

KINDS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".json": "json", ".xlsx": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
"""Kinds of files, by their endings."""

DELIMITERS = {"csv": ",", "tsv": "\t"}
"""What separates the cells of a kind of file, unless the header says otherwise."""

ENDINGS = (*KINDS, *(f"{ending}.gz" for ending in KINDS if KINDS[ending] != "xlsx"))
"""Endings of files that can be read."""


def ending_of(path: PurePath) -> str:
    """The ending of a file's name in small letters, without that of a packed file: `.csv` of `orders.CSV.gz`."""
    return PurePath(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


def kind_of(
    path: PurePath, content: Content, rows: Rows, findings: Findings, *, told: str = ""
) -> str:
    """The kind of a file, or of what is piped in and `told` to be something. Raises InvalidError for what is none."""
    ending = ending_of(path)
    if content.is_archive:
        return "xlsx"
    kind = told or ("csv" if rows.delimiter else KINDS.get(ending, ""))
    if not kind and str(path) == "-":
        kind = _by_its_beginning(content.head)
    if kind == "xlsx":
        remedy = "open it in a spreadsheet and save it as .xlsx"
        findings.add("is no workbook, whatever its name says", "damaged", remedy=remedy)
        raise findings.error()
    if kind:
        return kind
    *others, last = KINDS
    message = (
        f"files ending in {ending} are not supported"
        if ending
        else "a file without an ending is not supported"
    )
    remedy = f"save it as {', '.join(others)} or {last}, or say what separates the cells with `delimiter`"
    findings.add(message, "unsupported", remedy=remedy)
    raise findings.error()


def _by_its_beginning(head: bytes) -> str:
    """The kind of a text by how it begins: JSON by its bracket, in one piece or with an object on each line."""
    text = head.decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("{"):
        return "json" if text.startswith("[") else "csv"
    line, end, rest = text.partition("\n")
    try:
        first = json.loads(line)
    except ValueError:
        return "json" if end else "jsonl"
    return (
        "jsonl"
        if rest.strip() or not any(isinstance(value, list) for value in first.values())
        else "json"
    )
