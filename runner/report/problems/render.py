"""Problems in the requested format, sorted and deduplicated, for people and programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

from runner.problems import Problem, draw_all, in_json

Form = Literal["text", "json", "github", "sarif", "junit"]
FORMS: tuple[Form, ...] = get_args(Form)

VERSION = 1
"""The version of the JSON form."""


def drawn(
    problems: Sequence[Problem],
    form: Form,
    *,
    files: Sequence[str] = (),
    total: int | None = None,
    notes: Sequence[Problem] = (),
) -> str:
    """Return the problems of `files` in a format. `total` is their number, if more than `problems`.

    `notes` list the checks that were not made. They are no problems, and are for programs: the commands show them to
    people separately.
    """
    ordered = sorted(set(problems))
    count = max(total or 0, len(ordered))
    if form == "text":
        return draw_all(ordered, total=count) if ordered else ""
    # The other formats are imported on use: most commands write text.
    if form == "json":
        return _json(ordered, files, count, notes)
    if form == "github":
        from runner.report.problems.github import problem_annotations

        return problem_annotations(ordered, total=count, notes=notes)
    if form == "sarif":
        from runner.report.problems.sarif import sarif

        return sarif(ordered, notes=notes)
    from runner.report.problems.junit import validation

    return validation(files, ordered, notes=notes)


def _json(
    problems: Sequence[Problem], files: Sequence[str], total: int, notes: Sequence[Problem]
) -> str:
    """Return one JSON document in ASCII, with a problem or note on each line."""
    warnings = sum(each.severity == "warning" for each in problems)
    head = {
        "diagnostics": VERSION,
        "files": list(files),
        "errors": total - warnings,
        "warnings": warnings,
    }
    lists = f'"problems": {_array(problems)}, "not_checked": {_array(notes)}'
    return in_json(f"{json.dumps(head)[:-1]}, {lists}}}\n")


def _array(problems: Sequence[Problem]) -> str:
    lines = ",\n".join(json.dumps(_tree(each)) for each in problems)
    return f"[\n{lines}\n]" if lines else "[]"


def _tree(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "end_column": problem.column + max(1, problem.length),
        "severity": problem.severity,
        "kind": problem.kind,
        "message": problem.message,
        "remedy": problem.remedy,
    }
