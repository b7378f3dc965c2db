"""What a probe found, as text: names and types, never a value.

operation         state        status  objects
search_customers  agrees          200        3
get_customer      differs         200        1  2 differences
list_refunds      not tried                     needs refund_id

get_customer  GET /customers/{customer_id}
  fax      string   not in the document
  loyalty  integer  the document says string

1 agrees, 1 differs, 1 not tried
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

from runner.probe.compare import Difference
from runner.probe.probe import ProbeResult, State
from runner.problems import printable
from runner.report.text import columns, plural

_WHOLE = "(the answer)"


def probe_text(found: Sequence[ProbeResult]) -> str:
    """The table of all operations, what differs field by field, and the count of each state."""
    details = [line for each in found if each.differences for line in _details(each)]
    lines = [*_table(found), *details, "", _count(found)]
    return "".join(f"{printable(line)}\n" for line in lines)


def _table(found: Sequence[ProbeResult]) -> list[str]:
    rows = [["operation", "state", "status", "objects", ""]]
    for each in found:
        tried = each.state in ("agrees", "differs")
        what = plural(len(each.differences), "difference") if each.differences else each.note
        status, objects = str(each.status or ""), str(each.items) if tried else ""
        rows.append([each.operation.name, each.state, status, objects, what])
    return columns(rows, right={2, 3})


def _details(probed: ProbeResult) -> Iterator[str]:
    operation = probed.operation
    yield ""
    yield f"{operation.name}  {operation.method} {operation.path}"
    rows = [[each.at or _WHOLE, each.found, _declared(each)] for each in probed.differences]
    yield from (f"  {line}" for line in columns(rows))


def _declared(difference: Difference) -> str:
    if difference.kind in ("unknown", "table"):
        return "not in the document"
    if difference.kind == "missing":
        return "the document says that it is always there"
    return f"the document says {difference.declared}" if difference.declared else ""


def _count(found: Sequence[ProbeResult]) -> str:
    counts = Counter(each.state for each in found)
    states: tuple[State, ...] = get_args(State)
    return ", ".join(f"{counts[state]} {state}" for state in states if counts[state])
