"""Dry run as JSON: one document, byte for byte the same for the same plan, with one row per line.

    {"plan":1,
    "header":{"recipe":{"name":"import-orders","sha256":"..."},"input":{...},"target":"sandbox",...},
    "rows":[
    {"row":1,"key":"PO-1042","lines":[2,3,4],"state":"to send","calls":[{"step":"job",...},...]},
    {"row":2,"key":"PO-1080","lines":[70],"state":"with problems","reason":"job: quantity: is required"}
    ],
    "totals":{"rows":{"to send":1,"with problems":1},"calls":{"syncore.create_job":1},...}}

`schemas/plan.schema.json` describes it. A body is byte for byte as it is sent. A value that only the run knows is an
object with one key, {"(known after run)": "job.id"}; as a part of a text, its value is a list of texts and such
objects. No data has this key: a key of data that begins with a parenthesis gets a second one. In paths, such a value
is in parentheses with spaces, which are encoded in everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TextIO

from runner.catalogue import Auth, Request, to_json
from runner.engine.events import Event, PlannedCall, RowFinished, RowResult, RunEnded, RunStarted
from runner.exact_json import Names, escaped, text_json, write
from runner.problems import in_json
from runner.report.plan.text import HEADINGS, Totals, kind_of, reason_of
from runner.template import Unknown

VERSION = 1
"""The version of the format."""

LATER = "(known after run)"
"""The key of a value that is not known yet."""

SENSITIVE = "(sensitive)"
"""Placeholder of a secret, which is added when the request is sent."""


class Header(NamedTuple):
    """The inputs of a plan, as texts and digests (SHA-256): no path, no current time, no secret.

    `apis` are the base URL and the credentials of each API. `searches` are by step the operations that search for
    the object that the step would create. `left_out` is the number of lines of the input that are no rows,
    `announced` are its control totals, and `previous` is the run that is run.previous, where the recipe uses it.
    """

    recipe: str
    recipe_digest: str
    target: str
    account: str
    date: str
    values: Mapping[str, Any] = MappingProxyType({})
    input_name: str = ""
    search: str = ""
    input_digest: str = ""
    limit: int | None = None
    only: Sequence[str] = ()
    apis: Mapping[str, tuple[str, Sequence[Auth]]] = MappingProxyType({})
    searches: Mapping[str, str] = MappingProxyType({})
    lookups: bool = False
    left_out: int = 0
    announced: Mapping[str, Any] = MappingProxyType({})
    previous: str = ""

    def tree(self) -> dict[str, Any]:
        """Return the header as plain data."""
        secrets = {
            api: [_credential(auth) for auth in auths] for api, (_, auths) in self.apis.items()
        }
        return {
            "recipe": {"name": self.recipe, "sha256": self.recipe_digest},
            "input": self._input(),
            "target": self.target,
            "account": self.account,
            "apis": {
                api: {"base_url": url, "auth": secrets[api]}
                for api, (url, _) in sorted(self.apis.items())
            },
            "vars": dict(sorted(self.values.items())),
            "run_date": self.date,
            "limit": self.limit,
            "only": sorted(self.only),
            "lookups": self.lookups,
            **({"run_previous": self.previous} if self.previous else {}),
        }

    def _input(self) -> dict[str, Any] | None:
        if self.input_digest:
            file = {"name": self.input_name, "sha256": self.input_digest, "left_out": self.left_out}
            return file | self._announced()
        return {"search": self.search} if self.search else None

    def _announced(self) -> dict[str, Any]:
        if not self.announced:
            return {}
        sums = {name: _decimal(total) for name, total in self.announced.get("sum", {}).items()}
        return {"announced": {**self.announced, **({"sum": sums} if sums else {})}}


def _credential(auth: Auth) -> dict[str, str]:
    return {"in": auth.place, "name": auth.name, "value": SENSITIVE}


class PlanJson:
    """Writer of a dry run to `out`, row by row, in constant memory."""

    def __init__(self, out: TextIO, header: Header) -> None:
        self._out, self._header = out, header
        self._totals = Totals()
        self._first = True

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._totals.begin(event)
            self._out.write(in_json(head_lines(self._header)))
        elif isinstance(event, RowFinished):
            self._totals.add(kind_of(event.result), event.result.planned)
            line = in_json(row_line(event.result, self._header.searches))
            self._out.write(("" if self._first else ",\n") + line)
            self._first = False
        elif isinstance(event, RunEnded):
            end = "" if self._first else "\n"
            totals = in_json(_member("totals", totals_tree(self._totals, event)))
            self._out.write(f"{end}],\n{totals}}}\n")


def head_lines(header: Header) -> str:
    """Return the lines before the rows."""
    return f'{{"plan":{VERSION},\n{_member("header", header.tree())},\n"rows":[\n'


def totals_tree(totals: Totals, ended: RunEnded) -> dict[str, Any]:
    """Return the totals of a plan as plain data. Amounts are decimal text, which no reader rounds."""
    conditional = totals.money_undecided
    tree = {
        "rows": dict(sorted(totals.rows.items())),
        "calls": dict(sorted(totals.writes.items())),
        "reads": dict(sorted(totals.reads.items())),
        "searches": totals.searches,
        "undecided": totals.undecided,
        "money": {
            "payments": totals.money.count,
            "total": _decimal(totals.money.total),
            "undecided_payments": conditional.count,
            "undecided_total": _decimal(conditional.total),
            "unknown_payments": totals.money.open,
        },
    }
    return tree | ({"stopped": ended.stopped} if ended.stopped else {})


def row_line(result: RowResult, searches: Mapping[str, str]) -> str:
    """Return a row of the plan on one line."""
    kind = kind_of(result)
    lines = ",".join(map(str, result.lines))
    line = (
        f'{{"row":{result.number},"key":{text_json(result.key)},"lines":[{lines}],"state":"{kind}"'
    )
    if reason := reason_of(result) if kind in HEADINGS else result.reason:
        line += f',"reason":{text_json(reason)}'
    if result.earlier_run:
        line += f',"earlier_run":{result.earlier_run}'
    calls = ",".join([_call(call, searches) for call in result.planned])
    return f'{line},"calls":[{calls}]}}'


def _call(call: PlannedCall, searches: Mapping[str, str]) -> str:
    # Unpacking is cheaper than access by name, for hundreds of thousands of calls.
    step, operation, state, request, item, reason, unless_found, run, read_back = call
    line = _call_head(step, operation.full_name, operation.effect, state)
    if item is not None:
        line += f',"item":{item + 1}'
    if reason:
        line += f',"reason":{text_json(reason)}'
    if run:
        line += f',"run":{run}'
    if request is not None:
        line += "," + _request(request, inferred=operation.evidence == "inferred")
    if unless_found is not None:
        search = f'"operation":{text_json(searches.get(step, ""))},{_request(unless_found)}'
        line += f',"unless_found":{{{search}}}'
    if read_back is not None and operation.read_back is not None:
        name = f"{operation.api}.{operation.read_back.operation}"
        line += f',"read_back":{{"operation":{text_json(name)},{_request(read_back)}}}'
    return line + "}"


@cache
def _call_head(step: str, operation: str, effect: str, state: str) -> str:
    named = {"step": step, "operation": operation, "effect": effect, "state": state}
    return to_json(named).decode()[:-1]


def _request(request: Request, *, inferred: bool = False) -> str:
    line = f'"method":"{request.method}","path":{text_json(request.path)}'
    if request.headers:
        line += f',"headers":{marked(request.headers)}'
    if request.body is not None:
        line += f',"body":{_body(request)}'
    if request.amount is not None:
        amount = request.amount
        line += f',"amount":{marked(amount if isinstance(amount, Unknown) else _decimal(amount))}'
    if request.notes or inferred:
        line += f',"notes":{_notes(request.notes, inferred)}'
    return line


@lru_cache(maxsize=1024)
def _notes(notes: tuple[str, ...], inferred: bool) -> str:  # noqa: FBT001 - the cache is fastest without keywords
    return to_json(("inferred operation", *notes) if inferred else notes).decode()


def _body(request: Request) -> str:
    """Return the body as JSON; byte for byte as it is sent, if all of it is known."""
    if request.known:
        content = request.text or ""
        # A key that begins with a parenthesis has to be marked.
        if '"(' not in content:
            return content
    return marked(request.body)


def marked(tree: Any) -> str:
    """Return JSON of plain data in which an unknown value is an object that no data can equal."""
    return escaped(write(tree, _MARKED, _later))


_MARKED = Names(lambda name: f"({name}" if name.startswith("(") else name)
"""Names of members, none of which equals the key of an unknown value."""


def _later(value: Any) -> str:
    if not isinstance(value, Unknown):
        raise TypeError(f"{value!r} is no plain data")
    if not value.parts:
        return _later_whole(value.origin)
    return f'{{"{LATER}":[{",".join(map(marked, value.parts))}]}}'


@lru_cache(maxsize=1024)
def _later_whole(origin: str) -> str:
    return f'{{"{LATER}":{text_json(origin)}}}'


def unmarked(tree: Any) -> Any:
    """Return plain data from its marked form: the reverse of `marked`."""
    if isinstance(tree, Mapping):
        if LATER in tree:
            later = tree[LATER]
            if isinstance(later, str):
                return Unknown(later)
            return Unknown.text([unmarked(part) for part in later])
        return {name.removeprefix("("): unmarked(value) for name, value in tree.items()}
    return [unmarked(value) for value in tree] if isinstance(tree, list) else tree


def _decimal(amount: Decimal) -> str:
    return format(amount, "f")


def _member(name: str, value: Any) -> str:
    return f'"{name}":{to_json(value).decode()}'
