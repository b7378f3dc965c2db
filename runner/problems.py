"""What can be wrong, as values, and the exceptions that end something.

A finding in somebody's file is a `Problem`; problems are collected, sorted and drawn together. An exception
ends a command. The tree, with the exit code that the command line gives it:

    RunnerError             1
    ├── UsageError          2   the command line asks for something that is not there
    ├── InvalidError        3   the recipe or its data is wrong; carries the problems; nothing was sent
    ├── PlanError           3   a plan is not what would be sent, or no plan at all; nothing was sent
    ├── LockedError         6   another run holds this journal
    ├── ConfigError         7   configuration, credentials or TLS
    └── StoppedError        8   stopped before the end; the run can be resumed

A problem is drawn as:

    orders.yaml:11:25: error: no earlier step is called 'creat' [unknown-step]
        |
     11 |       with: {job_id: "{{ creat.id }}"}
        |                          ^^^^^
        = did you mean 'create'?
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from runner.keys import apart, look_alike

PROBLEMS_SHOWN = 50
"""Problems drawn before the rest is only counted."""

LINES_A_FILE = 10**9
"""What lines are counted from in each further file of an input: 1,000,000,057 is line 57 of the second."""

MESSAGE_LENGTH = 600
"""Characters of a message that are told; more is a text from a file, and what matters stands at both ends."""

EXCERPT_WIDTH = 160
"""Characters of a source line that are drawn around the caret."""


@dataclass(frozen=True, order=True)
class Problem:
    """One finding: where (file, line and column from 1), what is wrong, and what to do about it."""

    file: str
    line: int
    column: int
    message: str
    kind: str
    remedy: str = ""
    length: int = field(default=1, compare=False)
    excerpt: str = field(default="", compare=False)
    severity: str = "error"


class RunnerError(Exception):
    """The root: an error with a message for people. `exit_code` is what the command ends with."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(RunnerError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class InvalidError(RunnerError):
    """The recipe or its data is wrong (exit code 3; 7 for the configuration) and nothing was sent.

    `total` counts beyond what was kept.
    """

    def __init__(
        self, problems: Sequence[Problem], *, total: int | None = None, exit_code: int = 3
    ) -> None:
        self.exit_code = exit_code
        self.problems = sorted(set(problems))
        self.total = max(total or 0, len(self.problems))
        super().__init__(f"{self.total} problem{'' if self.total == 1 else 's'}")


class PlanError(RunnerError):
    """A plan is not what would be sent by now, or no plan at all; nothing was sent."""

    exit_code = 3


class LockedError(RunnerError):
    """Another run holds this journal."""

    exit_code = 6


class ConfigError(RunnerError):
    """Configuration, credentials or TLS."""

    exit_code = 7


class StoppedError(RunnerError):
    """Stopped before the end; the run can be resumed."""

    exit_code = 8

    def __init__(self, message: str, *, remedy: str = "", exit_code: int = 8) -> None:
        self.exit_code = exit_code
        super().__init__(message, remedy=remedy)


SHORTEST_GUESSED = 2
"""Characters up to which nothing is guessed: XL is no slip for L."""


def nearest(name: str, names: Iterable[str], *, noun: str = "") -> str:
    """A remedy for a misspelt name: the nearest of `names`, or all of them when none is near.

    One that looks alike is the nearest, and what cannot be seen of the difference is said.
    """
    known = sorted(set(names))
    folded = {look_alike(other): other for other in reversed(known)}
    same = folded.get(look_alike(name))
    if same is not None:
        differ = "" if same.casefold() == name.casefold() else f" They differ {apart(name, same)}"
        return f"did you mean {same!r}?{differ}"
    guessed = name[:200] if len(name) > SHORTEST_GUESSED else ""
    near = difflib.get_close_matches(guessed, known, n=1, cutoff=0.6)
    close = near or [folded[n] for n in difflib.get_close_matches(look_alike(guessed), folded, n=1)]
    if close:
        return f"did you mean {close[0]!r}?"
    if not known:
        return ""
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    return f"known {noun or 'names'}: {shown}"


def said_line(number: int) -> str:
    """A line as a message calls it: 57, or 57 of file 2 where several files are one input."""
    before, line = divmod(number, LINES_A_FILE)
    return f"{line} of file {before + 1}" if before else str(line)


_COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
"""The beginning of what Azure Pipelines, and older runners of GitHub, take for a command."""


def shell_word(text: str, *, bare: bool = False) -> str:
    """A text as one word of a command that a person may paste into a POSIX shell; `bare` without needless quotes.

    Every command that the program proposes with a value of a user in it, a key or a file, has it in this form.
    """
    word = shlex.quote(text)
    return word if bare or word.startswith("'") else f"'{word}'"


def printable(text: str) -> str:
    """`text` as it is safe for a terminal and a log line.

    Control, escape and bidirectional characters are escaped, and so are commands of CI runners: `##[` and `##vso[`
    anywhere, `::` at the beginning.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if c.isprintable() or _harmless(c) else ascii(c)[1:-1] for c in text)
    if "::" in text and text.lstrip().startswith("::"):
        text = text.replace(":", r"\x3a", 1)
    return _COMMAND.sub(r"#\\x23", text) if "##" in text else text


def in_json(text: str) -> str:
    """JSON text as it is safe for a terminal and a log: what stands inside its texts is escaped as JSON escapes."""
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text
        )  # as printable, but that a line end is one between values
    return _COMMAND.sub(r"#\\u0023", text) if "##" in text else text


def _harmless(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def shortened(text: str) -> str:
    """`text` without most of its middle where it is longer than people read."""
    if len(text) <= MESSAGE_LENGTH:
        return text
    half = MESSAGE_LENGTH // 2
    return f"{text[:half]} ... ({len(text) - 2 * half:,} more characters) ... {text[-half:]}"


def draw(problem: Problem) -> str:
    """One problem as text: place, message, the line with a caret under the culprit, the remedy."""
    file = printable(problem.file)
    file = (
        f"./{file}" if f"{file}:".lstrip().startswith("::") else file
    )  # GitHub takes a line like that for a command
    head = f"{file}:{problem.line}:{problem.column}: {problem.severity}: "
    lines = [f"{head}{printable(problem.message)} [{problem.kind}]"]
    gutter = " " * max(4, len(str(problem.line)) + 1)
    if problem.excerpt:
        text, column = _window(problem.excerpt, problem.column)
        width = max(1, min(problem.length, len(text) - column + 1))
        lines.append(f"{gutter} |")
        lines.append(f"{problem.line:>{len(gutter)}} | {printable(text)}")
        before, culprit = _width(text[: column - 1]), _width(text[column - 1 : column - 1 + width])
        lines.append(f"{gutter} | {' ' * before}{'^' * max(1, culprit)}")
    if problem.remedy:
        lines.append(f"{gutter} = {printable(problem.remedy)}")
    return "\n".join(lines)


def draw_all(problems: Sequence[Problem], *, total: int | None = None) -> str:
    """All problems in order, capped at `PROBLEMS_SHOWN`, and how many there are."""
    ordered = sorted(set(problems))
    count = max(total or 0, len(ordered))
    shown = list(_grouped(ordered[:PROBLEMS_SHOWN]))
    parts = [f"{draw(first)}{_again(first, others)}" for first, *others in shown]
    told = sum(map(len, shown))
    if count > told:
        parts.append(f"... and {count - told} more")
    warnings = sum(p.severity == "warning" for p in ordered)
    folded = [first.severity for first, *others in shown for _ in others]
    said = [_counted(count - warnings, folded.count("error"), "error")]
    said += [_counted(warnings, folded.count("warning"), "warning")] if warnings else []
    return "\n".join([*parts, ", ".join(said)]) + "\n"


def _counted(places: int, repeated: int, noun: str) -> str:
    """How many mistakes there are, and at how many places where that is more: 2 errors at 5 places."""
    count = places - repeated
    return f"{count} {noun}{'s' * (count != 1)}{f' at {places} places' if repeated else ''}"


REPEATED = frozenset(
    {
        *("expression", "template", "type", "dollar", "list-result", "unknown-key", "unknown-name"),
        *("unknown-field", "unknown-parameter", "unknown-operation"),
    }
)
"""Kinds of mistakes in a recipe that people make at many places, and that are explained at the first."""


def _grouped(problems: Sequence[Problem]) -> Iterable[list[Problem]]:
    """The problems in their order, those that are one mistake at several places together."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for at, problem in enumerate(problems):
        of, found, _ = _field_of(problem)
        same = of if found else problem.message
        repeated = problem.kind in REPEATED and (problem.file, problem.severity, same)
        groups.setdefault(repeated or (at,), []).append(problem)
    return groups.values()


def _again(first: Problem, others: Sequence[Problem]) -> str:
    """The other lines on which it is the same, and the other fields of the same operation, each with its own."""
    fields: dict[str, list[Problem]] = {}
    for other in others:
        fields.setdefault(other.message, []).append(other)
    same = fields.pop(first.message, [])
    return _same(first, same) + "".join(
        f"\n     = {_field_of(one)[2]} on line {one.line}: {printable(one.remedy)}{_same(one, more)}"
        for one, *more in fields.values()
    )


_FIELD = re.compile(
    r"(.*) (?:is not known to have a field|has no parameter|has no field) ('[^']*')"
)


def _field_of(problem: Problem) -> tuple[str, bool, str]:
    """The operation that a field is not of which is given to it, whether that is the mistake, and the field."""
    found = _FIELD.match(problem.message) if problem.kind in _GIVEN else None
    return (found[1], True, found[2]) if found else ("", False, "")


_GIVEN = ("unknown-field", "unknown-parameter")


def _same(first: Problem, others: Sequence[Problem]) -> str:
    lines = list(dict.fromkeys(str(other.line) for other in others if other.line != first.line))
    if not lines:
        return ""
    *most, last = lines
    listed = f"lines {', '.join(most)} and {last}" if most else f"line {last}"
    return f"\n     = the same on {listed}"


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around `column`, and the column inside it; tabs become single blanks."""
    line = line.replace("\t", " ")
    column = min(column, len(line) + 1)
    if len(line) <= EXCERPT_WIDTH:
        return line, column
    start = max(0, min(column - EXCERPT_WIDTH // 2, len(line) - EXCERPT_WIDTH))
    return line[start : start + EXCERPT_WIDTH], column - start


def _width(text: str) -> int:
    """Terminal cells that `printable(text)` takes: wide characters count twice, combining ones not at all."""
    cells = 0
    for character in printable(text):
        if unicodedata.category(character) not in ("Mn", "Me"):
            cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return cells
