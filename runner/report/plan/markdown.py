"""Dry run as Markdown, for a comment on a pull request or the summary of a workflow.

    ### Dry run: `import-orders` to `sandbox`

    **40 rows: 38 to send, 1 done before, 1 with problems. Nothing was sent.**

    | operation | calls |
    |---|---:|
    | `syncore.create_job` | 38 |

    31 payments, **18,442.50**

    #### 1 row needs attention

    - `PO-1080` line 70: not sent: `job: quantity: is required`

    <details><summary>38 rows like PO-1042</summary>
    ...
    </details>

All data is in code spans and code blocks, in which Markdown, HTML, mentions and links have no effect. Parts that do
not fit into a comment are left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TextIO

from runner.engine.events import Event, RowFinished, RowResult, RunEnded, RunStarted
from runner.problems import Problem, printable
from runner.report.plan.calls import draw_row, shape
from runner.report.plan.changes import Against, Change, details_of
from runner.report.plan.text import HEADINGS, OTHERS, Totals, kind_of, money_line, reason_of
from runner.report.text import LIKE_SHOWN, input_size, line_numbers, plural

LIMIT = 65_536
"""Maximum size of a comment on GitHub, in bytes."""

ROWS_SHOWN = 50
"""Rows with problems, changed rows and problems that are listed; the rest is counted."""

TEXT_SHOWN = 500
"""Characters of one reason or difference."""

SHAPES_SHOWN = 20
BLOCK_SHOWN = 6_000
"""Characters of the block of one shape."""


class PlanMarkdown:
    """Writer of a dry run to `out`, at its end. It stores the first rows of each kind.

    `against` adds changes. `warnings` are those of the recipe.
    """

    def __init__(
        self, out: TextIO, *, against: Against | None = None, warnings: Sequence[Problem] = ()
    ) -> None:
        self._out, self._against, self._warnings = out, against, warnings
        self._started: RunStarted | None = None
        self._totals = Totals()
        self._attention: list[str] = []
        self._changes: list[str] = []
        self._shapes: dict[Hashable, int] = {}
        self._blocks: dict[Hashable, tuple[list[str], str]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._started = event
            self._totals.begin(event)
        elif isinstance(event, RowFinished):
            self._row(event.result)
        elif isinstance(event, RunEnded):
            self._out.write(bounded(self._parts(event)))

    def _row(self, result: RowResult) -> None:
        kind = kind_of(result)
        self._totals.add(kind, result.planned)
        if kind in HEADINGS:
            place = f"{code(result.key or f'row {result.number}')} {line_numbers(result.lines)}"
            line = f"- {place.rstrip()}: {HEADINGS[kind]}: {code(reason_of(result))}"
            _add_line(self._attention, line)
        elif kind != "done before":
            like = tuple(dict.fromkeys(map(shape, result.planned)))
            self._shapes[like] = self._shapes.get(like, 0) + 1
            name = printable(result.key) or f"row {result.number}"
            if like not in self._blocks and len(self._blocks) < SHAPES_SHOWN:
                self._blocks[like] = [name], "\n".join(draw_row(result, set()))
            elif like in self._blocks and len(self._blocks[like][0]) <= LIKE_SHOWN:
                self._blocks[like][0].append(name)
        change = self._against.compare(result) if self._against is not None else None
        if change is not None:
            _add_line(self._changes, _changed(change))

    def _parts(self, ended: RunEnded) -> Iterable[str]:
        """Yield the parts of the comment, the most important first."""
        if self._started is None:
            return
        yield f"### Dry run: {code(self._started.recipe)} to {code(self._started.target)}\n\n{self._headline()}\n"
        if ended.stopped:
            yield f"\nStopped: {code(ended.stopped)}\n"
        if self._started.left_out or self._started.agreed:
            yield f"\n{printable(input_size(self._started))}\n"
        if self._started.previous:
            yield f"\nrun.previous: {self._started.previous}\n"
        yield _table(self._totals)
        yield f"\n{money_line(self._totals)}\n"
        kinds = sum(self._totals.rows[kind] for kind in HEADINGS)
        if kinds:
            yield f"\n#### {plural(kinds, 'row needs', 'rows need')} attention\n\n"
            yield from _listed(self._attention, kinds)
        if self._warnings:
            yield f"\n#### {plural(len(self._warnings), 'warning')} of the recipe\n\n"
            yield from _listed([*map(_told, self._warnings[:ROWS_SHOWN])], len(self._warnings))
        if self._against is not None:
            yield from self._changed(self._against, ended)
        yield from self._details()

    def _headline(self) -> str:
        totals = self._totals
        if self._started is not None and self._started.reads is not None:
            calls = plural(totals.writes.total(), "call")
            return f"**For each row that {code(self._started.search)} finds: {calls}. Nothing was sent.**"
        kinds = [f"{totals.rows['to send']:,} to send"]
        kinds += [f"{totals.rows[kind]:,} {kind}" for kind in OTHERS if totals.rows[kind]]
        return f"**{plural(totals.rows.total(), 'row')}: {', '.join(kinds)}. Nothing was sent.**"

    def _changed(self, against: Against, ended: RunEnded) -> Iterable[str]:
        for change in against.left() if not ended.stopped else ():
            _add_line(self._changes, _changed(change))
        count = against.added + against.changed + against.gone
        yield f"\n#### Changes against {code(against.name)}: {against.summary()}\n\n"
        yield from (f"- {code(note)}\n" for note in against.notes)
        yield from _listed(self._changes, count)

    def _details(self) -> Iterable[str]:
        for like, (names, block) in self._blocks.items():
            count = self._shapes[like]
            title = f"{count:,} rows like {html(names[0])}"
            if count == len(names):
                title = ", ".join(map(html, names))
            cut = block if len(block) <= BLOCK_SHOWN else block[:BLOCK_SHOWN] + "\n..."
            yield f"\n<details><summary>{title}</summary>\n\n{fenced(cut)}\n</details>\n"
        if len(self._shapes) > len(self._blocks):
            more = plural(len(self._shapes) - len(self._blocks), "more shape")
            yield f"\n... and {more} of rows\n"


def problems_markdown(problems: Sequence[Problem], *, total: int) -> str:
    """Return problems as Markdown, in place of a plan that cannot be made."""
    lines = [*map(_told, problems[:ROWS_SHOWN])]
    head = f"### {plural(total, 'problem')}\n\n**Nothing was planned and nothing was sent.**\n\n"
    return bounded([head, *_listed(lines, total)])


def bounded(parts: Iterable[str], *, limit: int = LIMIT) -> str:
    """Return the parts that fit into a comment, in order; the others are left out and counted."""
    fitting, size, left = [], 0, 0
    # 100 bytes are for the last line.
    room = limit - 100
    for part in parts:
        length = len(part.encode())
        if size + length <= room:
            fitting.append(part)
            size += length
        else:
            left += 1
    if left:
        count = plural(left, "part")
        fitting.append(f"\n{count} too long for a comment: the whole plan is in the plan file\n")
    return "".join(fitting)


def code(text: str) -> str:
    """Return text from data as a code span, on one line."""
    text = printable(text)
    text = text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 3] + "..."
    # A code span ends at as many backticks as it begins with: one more than the longest inside.
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if text[:1] in ("`", " ", "") or text[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(text: str) -> str:
    """Return text from data as a code block, on several lines."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def html(text: str) -> str:
    """Return text from data for HTML, with a character reference for each special character."""
    text = text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 3] + "..."
    return f"<code>{re.sub(r'[^A-Za-z0-9 ]', lambda sign: f'&#{ord(sign[0])};', text)}</code>"


def _told(problem: Problem) -> str:
    place = code(f"{problem.file}:{problem.line}:{problem.column}")
    remedy = f" ({code(problem.remedy)})" if problem.remedy else ""
    return f"- {place} {problem.severity}: {code(problem.message)}{remedy}"


def _table(totals: Totals) -> str:
    rows = [f"| {_cell(name)} | {count:,} |\n" for name, count in totals.writes.items()]
    rows += [f"| {_cell(name)} (reads) | {count:,} |\n" for name, count in totals.reads.items()]
    if totals.searches:
        rows.append(f"| searches before a call | {totals.searches:,} |\n")
    return "".join(["\n| operation | calls |\n|---|---:|\n", *rows]) if rows else "\nNo calls.\n"


def _cell(text: str) -> str:
    return code(text.replace("|", "\N{BROKEN BAR}"))


def _add_line(lines: list[str], line: str) -> None:
    """Add a line unless there are enough to show."""
    if len(lines) < ROWS_SHOWN:
        lines.append(line)


def _listed(lines: Sequence[str], count: int) -> Iterable[str]:
    yield from (f"{line}\n" for line in lines)
    if count > len(lines):
        yield f"- ... and {count - len(lines):,} more\n"


def _changed(change: Change) -> str:
    word = {"+": "added", "-": "gone", "~": "changed"}[change.sign]
    head = f"- {word}: {code(change.name)} {change.lines}".rstrip()
    return "\n".join([head, *(f"  - {code(text)}" for text in details_of(change))])
