"""Problems in files as values, and the exceptions that end a command.

A finding in a file is a `Problem`; problems are collected, sorted and drawn together. An exception ends a command.
The exceptions with their exit codes:

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
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise

from runner.keys import apart, look_alike

PROBLEMS_SHOWN = 50
"""Problems that are drawn; the rest is counted."""

LINES_A_FILE = 10**9
"""Base of the line numbers in each further file of an input: 1,000,000,057 is line 57 of the second."""

MESSAGE_LENGTH = 600
"""Maximum length of a message: a longer one quotes a text from a file, and its ends are the relevant parts."""

WITHHELD = "*** (a credential, not kept)"
"""Stands in the journal in the place of a credential. No request may hold it."""

EXCERPT_WIDTH = 160
"""Maximum length of the part of a source line that is drawn around the caret."""


@dataclass(frozen=True, order=True)
class Problem:
    """One finding: its place (file, line and column from 1), message and remedy.

    `cell` is the place of the cell in its record, from 0; -1 where it is no cell of an input.
    """

    file: str
    line: int
    column: int
    message: str
    kind: str
    remedy: str = ""
    length: int = field(default=1, compare=False)
    excerpt: str = field(default="", compare=False)
    severity: str = "error"
    cell: int = field(default=-1, compare=False)


class RunnerError(Exception):
    """The root of all errors: a message for people, and the `exit_code` of the command."""

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

    `total` is the number of all problems, if more than those in `problems`.
    """

    def __init__(
        self, problems: Sequence[Problem], *, total: int | None = None, exit_code: int = 3
    ) -> None:
        self.exit_code = exit_code
        self.problems = sorted(set(problems))
        self.total = max(total or 0, len(self.problems))
        super().__init__(f"{self.total} problem{'' if self.total == 1 else 's'}")


class PlanError(RunnerError):
    """A plan differs from what would be sent now, or is no plan; nothing was sent."""

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


ALL_COMPARED = 100
"""Maximum number of names that are compared letter by letter with a misspelled one."""

SHORTEST_GUESSED = 2
"""Maximum length of a name for which nothing is suggested: XL is no misspelling of L."""


def nearest(name: str, names: Iterable[str], *, noun: str = "") -> str:
    """Return a remedy for a misspelled name: the nearest of `names`, or all of them if none is near.

    A name that looks alike is the nearest; the remedy explains a difference that cannot be seen.
    """
    known = sorted(set(names))
    by_look = {_look(other): other for other in reversed(known)}
    same = by_look.get(look_alike(name))
    if same is not None:
        differ = "" if same.casefold() == name.casefold() else f" They differ {apart(name, same)}"
        return f"did you mean {same!r}?{differ}"
    # The time of get_close_matches grows with the square of the length.
    guessed = name[:200] if len(name) > SHORTEST_GUESSED else ""
    likely = _likely(_look(guessed), by_look)
    candidates = [other for other in known if _look(other) in likely]
    close = difflib.get_close_matches(guessed, candidates, n=1, cutoff=0.6)
    if not close:
        looks = difflib.get_close_matches(look_alike(guessed), likely, n=1)
        close = [likely[look] for look in looks]
    if close:
        return f"did you mean {close[0]!r}?"
    if not known:
        return ""
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    return f"known {noun or 'names'}: {shown}"


def closest(name: str, names: Iterable[str]) -> str:
    """Return the name that is nearest to a misspelled one; empty if none is near."""
    likely = _likely(_look(name), {_look(other): other for other in names})
    return next(iter(difflib.get_close_matches(name[:200], sorted(likely.values()), n=1)), "")


_look = lru_cache(maxsize=16_384)(look_alike)


@lru_cache(maxsize=16_384)
def _pairs(look: str) -> frozenset[str]:
    """Return the pairs of letters that stand side by side in a text."""
    return frozenset(map("".join, pairwise(look)))


def _likely(look: str, by_look: dict[str, str]) -> dict[str, str]:
    """Return the names that share the most pairs of letters with a look, by their looks; all where they are few.

    A recipe with a thousand names can have a thousand misspelled ones: to compare all with all would take minutes.
    """
    if len(by_look) <= ALL_COMPARED:
        return by_look
    own = _pairs(look)
    found = nlargest(ALL_COMPARED, by_look, key=lambda other: len(own & _pairs(other)))
    return {other: by_look[other] for other in found}


def said_line(number: int) -> str:
    """Return a line number for messages: 57, or 57 of file 2 if several files are one input."""
    before, line = divmod(number, LINES_A_FILE)
    return f"{line} of file {before + 1}" if before else str(line)


_COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
"""The beginning of a command of Azure Pipelines, and of older runners of GitHub."""


def shell_word(text: str, *, bare: bool = False) -> str:
    """A text as one word of a command that a person may paste into a POSIX shell; `bare` without needless quotes.

    Every command that the program proposes with a value of a user in it, a key or a file, has it in this form.
    """
    word = shlex.quote(text)
    return word if bare or word.startswith("'") else f"'{word}'"


def printable(text: str) -> str:
    """Return `text` as it is safe for a terminal and a log line.

    Control, escape and bidirectional characters are escaped, and so are commands of CI runners: `##[` and `##vso[`
    anywhere, `::` at the beginning.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if c.isprintable() or _harmless(c) else ascii(c)[1:-1] for c in text)
    if "::" in text and text.lstrip().startswith("::"):
        text = text.replace(":", r"\x3a", 1)
    return _COMMAND.sub(r"#\\x23", text) if "##" in text else text


def in_json(text: str) -> str:
    """Return JSON as it is safe for a terminal and a log, with JSON escapes for unsafe characters."""
    if not text.isprintable():
        # A line end is between values: inside texts it is already escaped.
        text = "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    return _COMMAND.sub(r"#\\u0023", text) if "##" in text else text


def _harmless(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def shortened(text: str) -> str:
    """Return `text`, without its middle if it is longer than MESSAGE_LENGTH."""
    if len(text) <= MESSAGE_LENGTH:
        return text
    half = MESSAGE_LENGTH // 2
    return f"{text[:half]} ... ({len(text) - 2 * half:,} more characters) ... {text[-half:]}"


def draw(problem: Problem) -> str:
    """Return one problem as text: place, message, the line with a caret under the culprit, and the remedy."""
    file = printable(problem.file)
    # GitHub treats a line that begins with :: as a command.
    if f"{file}:".lstrip().startswith("::"):
        file = f"./{file}"
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
    """Return the first PROBLEMS_SHOWN problems in order, and the number of all."""
    ordered = sorted(set(problems))
    count = max(total or 0, len(ordered))
    groups = list(_grouped(ordered[:PROBLEMS_SHOWN]))
    parts = [f"{draw(first)}{_again(first, others)}" for first, *others in groups]
    drawn = sum(map(len, groups))
    if count > drawn:
        parts.append(f"... and {count - drawn} more")
    warnings = sum(p.severity == "warning" for p in ordered)
    repeated = [first.severity for first, *others in groups for _ in others]
    counts = [_counted(count - warnings, repeated.count("error"), "error")]
    if warnings:
        counts.append(_counted(warnings, repeated.count("warning"), "warning"))
    return "\n".join([*parts, ", ".join(counts)]) + "\n"


def _counted(places: int, repeated: int, noun: str) -> str:
    """Return the number of mistakes, and of their places if these are more: 2 errors at 5 places."""
    count = places - repeated
    return f"{count} {noun}{'s' * (count != 1)}{f' at {places} places' if repeated else ''}"


REPEATED = frozenset(
    {
        *("expression", "template", "type", "dollar", "list-result", "unknown-key", "unknown-name"),
        *("unknown-field", "unknown-parameter", "unknown-operation", "value", "argument"),
        *("may-be-null", "always-defined", "address-case", "unlike-types"),
    }
)
"""Kinds of mistakes that a recipe often has at many places; they are explained at the first."""


_OF_ITS_REMEDY = frozenset({"expression", "template", "value", "argument", "unlike-types"})
"""Those of them that are the same mistake only where the same is to be written."""


def _grouped(problems: Sequence[Problem]) -> Iterable[list[Problem]]:
    """Return the problems in order, grouped by mistake: one mistake may be at several places."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for at, problem in enumerate(problems):
        if problem.kind not in REPEATED:
            groups[(at,)] = [problem]
            continue
        of, found, name = _part_of(problem)
        told = problem.remedy if problem.kind in _OF_ITS_REMEDY else ""
        mistake = (problem.file, problem.severity, of if found else problem.message, told)
        # One name that is misspelt for several operations is one slip.
        slip = (*mistake[:2], name, problem.remedy) if found else mistake
        group = groups.get(slip) or groups.get(mistake) or []
        group.append(problem)
        groups.setdefault(mistake, group)
        groups.setdefault(slip, group)
    return {id(group): group for group in groups.values()}.values()


def _again(first: Problem, others: Sequence[Problem]) -> str:
    """Return the other lines with the same mistake, and the other fields or columns with theirs."""
    parts: dict[tuple[str, str], list[Problem]] = {}
    for other in others:
        parts.setdefault(_slip(other), []).append(other)
    same = parts.pop(_slip(first), [])
    return _same(first, same) + "".join(
        f"\n     = {_part_of(one)[2]} on line {one.line}: {printable(one.remedy)}{_same(one, more)}"
        for one, *more in parts.values()
    )


def _slip(problem: Problem) -> tuple[str, str]:
    _, found, name = _part_of(problem)
    return (name, problem.remedy) if found else (problem.message, "")


_FIELD = re.compile(
    r"(.*) (?:is not known to have a field|has no parameter|has no field) ('[^']*')"
)
_COLUMN = re.compile(r"a cell of the column ('[^']*') (may be empty, and .*)")


def _part_of(problem: Problem) -> tuple[str, bool, str]:
    """Return whose part it is that a mistake is about, true if there is one, and the part: a field or a column."""
    if problem.kind in _GIVEN and (found := _FIELD.match(problem.message)):
        return found[1], True, found[2]
    if problem.kind == "may-be-null" and (found := _COLUMN.match(problem.message)):
        return found[2], True, found[1]
    return "", False, ""


_GIVEN = ("unknown-field", "unknown-parameter")


def _same(first: Problem, others: Sequence[Problem]) -> str:
    """Return the other lines with the same mistake."""
    lines = list(dict.fromkeys(str(other.line) for other in others if other.line != first.line))
    if not lines:
        return ""
    *most, last = lines
    listed = f"lines {', '.join(most)} and {last}" if most else f"line {last}"
    return f"\n     = the same on {listed}"


def _window(line: str, column: int) -> tuple[str, int]:
    """Return the part of a long line around `column`, and the column inside it; tabs become single spaces."""
    line = line.replace("\t", " ")
    column = min(column, len(line) + 1)
    if len(line) <= EXCERPT_WIDTH:
        return line, column
    start = max(0, min(column - EXCERPT_WIDTH // 2, len(line) - EXCERPT_WIDTH))
    return line[start : start + EXCERPT_WIDTH], column - start


def _width(text: str) -> int:
    """Return the width of `printable(text)` in terminal cells: 2 for wide characters, 0 for combining ones."""
    cells = 0
    for character in printable(text):
        if unicodedata.category(character) not in ("Mn", "Me"):
            cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return cells
