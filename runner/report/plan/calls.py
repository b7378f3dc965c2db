"""Text of a planned call: method, URL, every field of the body, and notes on them."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from runner.catalogue import Request
from runner.engine.events import PlannedCall, RowResult
from runner.problems import printable, shortened
from runner.report.text import cells, money, pad
from runner.template import Unknown, to_text

_UNSENT = {
    "done": "done",
    "found": "found",
    "unknown": "unknown",
    "changed": "changed",
    "invalid": "not sent",
}


def shape(call: PlannedCall) -> Hashable:
    """Return a key that is equal for calls that differ only in their values."""
    request = call.request
    if request is None or call.state not in ("to send", "to read", "undecided"):
        return call.step, call.state
    query = tuple(pair.partition("=")[0] for pair in urlsplit(request.url).query.split("&"))
    noted = tuple(note.partition(": ")[0] for note in request.notes)
    fields = dict.fromkeys(re.sub(r"\[\d+\]", "[]", path) for path, _ in flatten(request.body))
    again = call.reason if call.state == "to send" else ""
    return (
        call.step,
        call.state,
        again,
        query,
        tuple(fields),
        tuple(request.headers),
        noted,
        call.unless_found is None,
    )


class _Drawn(NamedTuple):
    """A call as text: the columns of its first line, the rest of that line, and the lines below it."""

    operation: str
    rest: str
    details: tuple[str, ...] = ()
    label: str = ""


def draw_row(result: RowResult, seen: set[str]) -> Iterator[str]:
    """Yield the lines of a row: the values of `let`, and its calls, or for an export, its outputs.

    `seen` has the operations whose complete URL was shown; those of the row are added.
    """
    widest = max(map(cells, result.named), default=0)
    for name, value in result.named.items():
        yield f"  let {pad(name, widest)}  {printable(as_json(value))}"
    yield from draw_calls(result.planned, seen)
    width = max(map(cells, result.outputs), default=0)
    for name, value in result.outputs.items() if not result.planned else ():
        yield f"  {pad(name, width)}  {printable(as_json(value))}"


def draw_calls(planned: Sequence[PlannedCall], seen: set[str]) -> Iterator[str]:
    """Yield the lines of a row's calls. `seen` has the operations whose complete URL was shown."""
    drawn = [
        each
        for _, calls in groupby(planned, key=attrgetter("step"))
        for each in _draw_step(list(calls), seen)
    ]
    labels = max((cells(each.label) for each in drawn), default=0)
    operations = max((cells(each.operation) for each in drawn), default=0)
    for each in drawn:
        yield f"  {pad(each.label, labels)}  {pad(each.operation, operations)}  {each.rest}".rstrip()
        yield from (f"      {detail}" for detail in each.details)


def _draw_step(calls: Sequence[PlannedCall], seen: set[str]) -> Iterator[_Drawn]:
    """Yield the calls of one step. Successive identical calls of `for_each` are one entry."""
    for _, group in groupby(calls, key=lambda call: _draw(call, full_url=True)):
        equal = list(group)
        name = equal[0].operation.full_name
        shows_url = equal[0].request is not None and equal[0].state not in _UNSENT
        drawn = _draw(equal[0], full_url=name not in seen)
        if shows_url:
            seen.add(name)
        times = f"  x {len(equal)}" if len(equal) > 1 else ""
        label = printable(equal[0].step)
        if len(equal) < len(calls):
            first, last = ((each.item or 0) + 1 for each in (equal[0], equal[-1]))
            label += f"[{first}]" if first == last else f"[{first}-{last}]"
        yield drawn._replace(label=label, rest=drawn.rest + times)


def _draw(call: PlannedCall, *, full_url: bool) -> _Drawn:
    """Return a call as text. `full_url` also shows the notes on its operation."""
    operation, request = printable(call.operation.name), call.request
    if call.state == "skipped":
        return _Drawn(operation, f"skipped: {printable(call.reason)}")
    if request is None or call.state in _UNSENT:
        text = _UNSENT.get(call.state, call.state) + (f" in run {call.run}" if call.run else "")
        return _Drawn(operation, text + (f": {printable(call.reason)}" if call.reason else ""))
    rest = f"{request.method} {_url(request.url, full=full_url)}"
    if isinstance(request.amount, Unknown):
        rest += f"  {printable(str(request.amount))}"
    elif request.amount is not None:
        rest += f"  {money(request.amount)}"
    remark = "inferred operation" if call.operation.evidence == "inferred" else ""
    details = list(_fields(request, remark, first_of_operation=full_url))
    if call.state == "read":
        details.append("read while it was planned")
    if call.state in ("to send", "to read") and call.reason:
        details.append(printable(call.reason))
    if call.state == "undecided":
        details.append(f"only when {printable(call.reason)}: decided by the run")
    if call.unless_found is not None:
        search = call.unless_found
        elsewhere = urlsplit(search.url)[:2] != urlsplit(request.url)[:2]
        details.append(f"only if {search.method} {_url(search.url, full=elsewhere)} finds none")
    if call.read_back is not None:
        url = _url(call.read_back.url, full=False)
        details.append(f"then read back: {call.read_back.method} {url}")
    return _Drawn(operation, rest, tuple(details))


def _fields(request: Request, remark: str, *, first_of_operation: bool) -> Iterator[str]:
    """Yield the headers and the fields of the body with the notes on them, then the other notes.

    `remark`, and the notes that apply to all fields, are shown only with the first call of an operation.
    """
    fields = [(f"header {name}", literal(value)) for name, value in request.headers.items()]
    fields += [(path, literal(value)) for path, value in flatten(request.body)]
    width = max((cells(printable(path)) for path, _ in fields), default=0)
    notes: dict[str, list[str]] = {path: [] for path, _ in fields}
    elsewhere = []
    # A note on a field begins with its path.
    for place, colon, text in (note.partition(": ") for note in request.notes):
        if place in notes:
            notes[place].append(text)
        else:
            elsewhere.append(f"{place}{colon}{text}")
    first = notes[fields[0][0]] if len(fields) > 1 else []
    shared = [text for text in first if all(text in texts for texts in notes.values())]
    for path, value in fields:
        remarks = "".join(f"   {printable(text)}" for text in notes[path] if text not in shared)
        yield f"{pad(printable(path), width)}  {printable(value)}{remarks}"
    general = []
    if first_of_operation:
        general = [remark, *(f"all fields: {text}" for text in shared)]
    general += elsewhere
    yield from (f"note: {printable(text)}" for text in general if text)


def flatten(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a body with their paths: `client.id`, `lines[0].sku`."""
    if isinstance(tree, Mapping) and tree:
        for name, value in tree.items():
            yield from flatten(value, f"{path}.{name}" if path else str(name))
    elif isinstance(tree, list | tuple) and tree:
        for place, value in enumerate(tree):
            yield from flatten(value, f"{path}[{place}]")
    elif tree is not None or path:
        yield path or "(body)", tree


def as_json(value: Any) -> str:
    """Return a value as JSON, shortened to fit on a line."""
    if not isinstance(value, Mapping | list | tuple) or not value:
        return literal(value)
    if isinstance(value, Mapping):
        members = (f"{json.dumps(str(name))}: {as_json(each)}" for name, each in value.items())
        return shortened(f"{{{', '.join(members)}}}")
    return shortened(f"[{', '.join(map(as_json, value))}]")


def literal(value: Any) -> str:
    """Return a leaf as in the JSON that is sent, or the origin of an unknown value."""
    if isinstance(value, Unknown):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    plain = to_text(value)
    return plain if isinstance(value, int | Decimal) else json.dumps(plain, ensure_ascii=False)


def _url(url: str, *, full: bool) -> str:
    parts = urlsplit(url)
    return printable(url if full else url.removeprefix(f"{parts.scheme}://{parts.netloc}"))
