"""Problems in the form that was asked for: the same values, sorted and without repetitions, for people and machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

from runner.problems import Problem, draw_all

Form = Literal["text", "json", "github", "sarif", "junit"]
FORMS: tuple[Form, ...] = get_args(Form)

VERSION = 1
"""The version of the JSON form."""


def drawn(problems: Sequence[Problem], form: Form, *, files: Sequence[str] = (), total: int | None = None) -> str:
    """The problems as text. `files` were looked at; `total` counts beyond what was kept."""
    ordered = sorted(set(problems))
    count = max(total or 0, len(ordered))
    if form == "text":
        return draw_all(ordered, total=count) if ordered else ""
    if form == "json":
        return _json(ordered, files, count)
    if form == "github":
        from runner.report.github import annotated

        return annotated(ordered, total=count)
    if form == "sarif":
        from runner.report.sarif import sarif

        return sarif(ordered)
    from runner.report.junit import checked

    return checked(files, ordered)


def _json(problems: Sequence[Problem], files: Sequence[str], total: int) -> str:
    """One JSON document in ASCII, a problem on each line."""
    warnings = sum(each.severity == "warning" for each in problems)
    head = {"diagnostics": VERSION, "files": list(files), "errors": total - warnings, "warnings": warnings}
    lines = ",\n".join(json.dumps(_tree(each)) for each in problems)
    return json.dumps(head)[:-1] + ', "problems": [' + (f"\n{lines}\n" if lines else "") + "]}\n"


def _tree(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file, "line": problem.line, "column": problem.column,
        "end_column": problem.column + max(1, problem.length), "severity": problem.severity, "kind": problem.kind,
        "message": problem.message, "remedy": problem.remedy,
    }  # fmt: skip
