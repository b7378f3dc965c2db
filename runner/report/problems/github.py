"""Annotations for GitHub Actions: workflow commands that show a message beside a line of a file.

    ::error file=recipe.yaml,line=11,col=25,endColumn=30,title=unknown-step::no earlier step is called 'creat'%0A...

GitHub shows ten annotations of a kind per step and silently drops the rest; here the rest is counted. Special
characters of a command are escaped as in GitHub's own toolkit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TextIO

from runner.engine.events import Event, RowFinished, RunEnded
from runner.problems import Problem, printable
from runner.report.plan.text import HEADINGS, kind_of, reason_of

SHOWN = 10
"""Annotations that GitHub shows per step."""


def problem_annotations(
    problems: Sequence[Problem], *, total: int, notes: Sequence[Problem] = ()
) -> str:
    """Return the first problems as annotations, and the number of the others.

    Errors precede warnings, and these notes.
    """
    ordered = [*sorted(problems, key=lambda each: each.severity != "error"), *notes]
    return "".join(_limited((_annotation(each) for each in ordered), total=total + len(notes)))


def command(name: str, message: str, **properties: str | int) -> str:
    """Return a workflow command on a line of its own."""
    texts = [f"{key}={_property(str(value))}" for key, value in properties.items() if value]
    space = " " if texts else ""
    return f"::{name}{space}{','.join(texts)}::{_data(message)}\n"


class PlanGithub:
    """Writer of annotations for the rows of a dry run that need a person.

    `place` returns the file and the line there of a line of the input.
    """

    def __init__(self, out: TextIO, place: Callable[[int], tuple[str, int]]) -> None:
        self._out, self._place = out, place
        self._commands: list[str] = []
        self._count = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, RowFinished):
            kind = kind_of(event.result)
            if kind not in HEADINGS:
                return
            self._count += 1
            if len(self._commands) < SHOWN:
                title = f"{event.result.key or event.result.number}: {HEADINGS[kind]}"
                file, line = self._place(next(iter(event.result.lines), 0))
                message = reason_of(event.result)
                self._commands.append(command("error", message, file=file, line=line, title=title))
        elif isinstance(event, RunEnded):
            self._out.writelines(_limited(self._commands, total=self._count))
            if event.stopped:
                self._out.write(command("error", event.stopped))


def _limited(commands: Iterable[str], *, total: int) -> Iterable[str]:
    yield from islice(commands, SHOWN)
    if total > SHOWN:
        yield command("notice", f"and {total - SHOWN:,} more: the log and the plan have them all")


def _annotation(problem: Problem) -> str:
    message = problem.message + (f"\n{problem.remedy}" if problem.remedy else "")
    return command(
        "notice" if problem.severity == "note" else problem.severity,
        message,
        file=problem.file,
        line=problem.line,
        col=problem.column,
        endColumn=problem.column + max(1, problem.length),
        title=problem.kind,
    )


def _data(text: str) -> str:
    return "%0A".join(printable(line).replace("%", "%25") for line in text.split("\n"))


def _property(text: str) -> str:
    return printable(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
