"""created.csv as a second witness: its lines are written after the commit, so the journal has to know each of them.

A journal that does not is an older copy, or lacks the part of it that was in its -wal file; it would send again what
those lines say was created.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.catalogue import parse_json
from runner.journal import CallRecord, History, MadeCall
from runner.keys import canonical
from runner.problems import StoppedError, printable
from runner.report.files.cells import record
from runner.report.files.created_lines import FORMER_COLUMNS, CreatedLine, CreatedLines, name_of
from runner.rows.leftovers import escape_formula

_ID, _ITEM = 3, 7

CellsOf = Callable[[CallRecord], tuple[Any, ...]]
"""The cells of a call, as created.csv has them."""


def check_created(
    path: Path, history: History, *, run: int, columns: Sequence[str], cells_of: CellsOf
) -> None:
    """Raise StoppedError when the created.csv at `path` has a line of `run` that its journal does not know."""
    try:
        with path.open("rb") as file:
            lines = CreatedLines(file, columns=columns)
            left = _unmatched(lines, history, run, cells_of)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        remedy = (
            "it says what was created: make it readable; where it is damaged, look up what was created, leave those "
            "rows out of the next run, and move it away"
        )
        raise StoppedError(f"{path} cannot be read: {why}", remedy=remedy) from None
    unknown = unexplained(left, history, run=run, cells_of=cells_of, is_former=lines.is_former)
    if not unknown:
        return
    many = f"{len(unknown)} lines" if len(unknown) > 1 else "a line"
    raise StoppedError(
        f"{path} has {many} that the journal {history.path} does not know, {_said(unknown[0])}: "
        "the journal is an older copy, or its -wal file is missing; nothing was sent",
        remedy="put back the journal of that time, with its -wal file if it had one; else move "
        f"{path} away, look up what its lines say, and leave their rows out of the next run",
    )


def _unmatched(
    lines: CreatedLines, history: History, run: int, cells_of: CellsOf
) -> list[CreatedLine]:
    """The lines that are not those of the calls of the run."""
    wrong = []
    for call in history.made(run):
        line = lines.take(name_of_call(call, is_former=lines.is_former))
        if line is not None and not _has_id(call, line.cells[_ID], cells_of):
            wrong.append(line)
    return [*wrong, *lines.left()]


def _said(line: CreatedLine) -> str:
    if not line.cells:
        return f"line {line.number} among them, which is no line of runner's"
    _, effect, operation, name, key, _, step, *_ = line.cells
    about = f"{operation} {name}".strip()
    return printable(f"line {line.number} first: {effect} {about} for {key!r} ({step})")


def name_of_call(call: CallRecord | MadeCall, *, is_former: bool) -> tuple[str, ...]:
    """The name of a call as its line has it, in a file of this or of a former version."""
    key, step, item = (
        (call.key, call.step, call.item)
        if isinstance(call, MadeCall)
        else (call.identity.key, call.identity.step, call.identity.item)
    )
    return name_of(
        sent_at=call.sent_at, key=key, step=step, item=item if is_former else call.shown_item
    )


def unexplained(
    lines: Sequence[CreatedLine], history: History, *, run: int, cells_of: CellsOf, is_former: bool
) -> list[CreatedLine]:
    """Those of the lines of a run's created.csv that nothing in the journal accounts for.

    `is_former`: they are of a file of a former version.
    A line is explained by a write that was carried out and has its id, whichever run has sent it last; by a settlement
    with its id that was taken back; by an attempt
    of this run that was answered, where a later run has sent the same call again; and the beginning of a line, as a
    full disk leaves it, by a call of the run whose line begins so.
    """
    odd = [line for line in lines if not line.cells]
    left = {line.number: line for line in lines if line.cells}
    if left:
        for number in _explained(left.values(), history, cells_of, is_former=is_former):
            left.pop(number, None)
    if left:
        places = {_place_of(line) for line in left.values()}
        sent = set(_sent_since(history, run, places, is_former=is_former))
        left = {n: line for n, line in left.items() if _place_of(line) not in sent}
    torn = next((line for line in odd if not line.raw.endswith(b"\n")), None)
    if torn is not None and any(
        _raw(call, cells_of, is_former=is_former).startswith(torn.raw) for call in history.made(run)
    ):
        odd.remove(torn)
    return sorted([*odd, *left.values()])


def _explained(
    lines: Iterable[CreatedLine], history: History, cells_of: CellsOf, *, is_former: bool
) -> Iterator[int]:
    """The numbers of the lines that a call of the journal, of any run, accounts for."""
    by_id: dict[tuple[str, str], list[CreatedLine]] = {}
    by_place: dict[tuple[str, ...], list[CreatedLine]] = {}
    for line in lines:
        if line.cells[_ID]:
            by_id.setdefault((line.cells[2], line.cells[_ID]), []).append(line)
        by_place.setdefault((line.cells[2], *_place_of(line)), []).append(line)
    for call, name in history.settled_and_undone():
        yield from (line.number for line in by_id.get((call.operation, escape_formula(name)), ()))
    for call in history.made_by(sorted({operation for operation, *_ in by_place})):
        yield from (line.number for line in by_id.get((call.operation, _id(call, cells_of)), ()))
        for line in by_place.get((call.operation, *_place(call, is_former=is_former)), ()):
            if _has_id(call, line.cells[_ID], cells_of):
                yield line.number


def _raw(call: CallRecord, cells_of: CellsOf, *, is_former: bool) -> bytes:
    """The line of a call in a file of this or of a former version."""
    cells = cells_of(call)
    if is_former:
        cells = (*cells[:_ITEM], call.identity.item, *cells[_ITEM + 1 : FORMER_COLUMNS])
    return record(cells)


def _sent_since(
    history: History, run: int, places: Collection[tuple[str, ...]], *, is_former: bool
) -> Iterator[tuple[str, ...]]:
    """Which of these a run has carried out, and a later one has sent again: the journal has the outcome of that."""
    known = {place[:2] for place in places}
    for identity in history.answered(run):
        if _compared(identity.key, identity.step) in known:
            call = history.call_of(identity)
            if call is not None and call.run != run:
                place = _place(call, is_former=is_former)
                yield from [place] if place in places else []


def _has_id(call: CallRecord, name: str, cells_of: CellsOf) -> bool:
    """Whether an id is that of a call, or was, when the API's document named another field of its answer."""
    if _id(call, cells_of) == name:
        return True
    answer = parse_json(call.answer.encode()) if call.answer else None
    values = answer.values() if isinstance(answer, Mapping) else ()
    return any(escape_formula(str(value)) == name for value in values if not _nested(value))


def _id(call: CallRecord, cells_of: CellsOf) -> str:
    return escape_formula(str(cells_of(call)[_ID] or ""))


def _nested(value: Any) -> bool:
    return value is None or isinstance(value, bool | Mapping | list)


def _place(call: CallRecord, *, is_former: bool) -> tuple[str, ...]:
    """The key, step and item of a call, as the file counts it, in the form in which they are compared."""
    identity = call.identity
    item = identity.item if is_former else call.shown_item
    return _compared(identity.key, identity.step, item)


def _compared(*texts: str) -> tuple[str, ...]:
    return tuple(canonical(escape_formula(text)) for text in texts)


def _place_of(line: CreatedLine) -> tuple[str, ...]:
    return tuple(map(canonical, (line.cells[4], line.cells[6], line.cells[7])))
