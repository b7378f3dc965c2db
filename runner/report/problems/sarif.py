"""Problems as SARIF 2.1.0, the format of code scanning, with a rule per kind and a result per problem."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from runner import __version__
from runner.problems import Problem, in_json, printable

_LINK = re.compile(r"\[(?=[^\]]*\]\()")
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(problems: Sequence[Problem], *, notes: Sequence[Problem] = ()) -> str:
    """Return one run of one tool, as JSON text with a line feed at its end.

    `notes`, about checks that were not made, are notifications of the tool: code scanning creates no alerts for them.
    """
    kinds = sorted({each.kind for each in problems})
    driver = {
        "name": "runner",
        "semanticVersion": __version__,
        "rules": [{"id": kind, "name": _title(kind)} for kind in kinds],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, kinds.index(each.kind)) for each in problems],
    }
    if notes:
        notifications = [
            {"level": "note", "descriptor": {"id": each.kind}, **_finding(each)} for each in notes
        ]
        run["invocations"] = [
            {"executionSuccessful": True, "toolExecutionNotifications": notifications}
        ]
    tree = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return in_json(json.dumps(tree, indent=2, ensure_ascii=False) + "\n")


def _title(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-"))


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    level = "error" if problem.severity == "error" else "warning"
    return {"ruleId": problem.kind, "ruleIndex": rule, "level": level, **_finding(problem)}


def _finding(problem: Problem) -> dict[str, Any]:
    """Return message and location of a problem."""
    text = _plain(problem.message)
    if problem.remedy:
        text += f"; {_plain(problem.remedy)}"
    region: dict[str, Any] = {
        "startLine": problem.line,
        "startColumn": problem.column,
        "endColumn": problem.column + max(1, problem.length),
    }
    if problem.excerpt:
        region["snippet"] = {"text": printable(problem.excerpt)}
    location = {"artifactLocation": {"uri": _uri(problem.file)}, "region": region}
    return {"message": {"text": text}, "locations": [{"physicalLocation": location}]}


def _plain(text: str) -> str:
    """Return the text of a message without links: SARIF turns [text](address) into one."""
    return _LINK.sub(r"\\[", printable(text))


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="replace")
