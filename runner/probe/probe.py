"""Probe of a live API against its document: one GET per read operation, and no request that changes anything.

agrees        the answer matches the document (an empty list shows only its envelope)
differs       a field, or the envelope, differs from the document
not allowed   401, 403, or a failure that the document declares to mean that
not there     404, unless the document declares it as an empty list
failed        no usable answer: no connection, 5xx, any other status, an HTML page, no JSON
not tried     a required argument has no value, or the host has stopped answering
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from runner.catalogue import (
    AnswerError,
    Api,
    ArgumentError,
    DeclaredFailure,
    Operation,
    build_request,
    describe_error,
    parse_json,
    read_answer,
)
from runner.config.masking import Mask
from runner.engine.context import Connection
from runner.engine.limits import Hits
from runner.probe.arguments import Knowledge
from runner.probe.compare import Description, Difference, answer_place, compare, follow_path
from runner.probe.observed import is_name, json_type, schema_of
from runner.problems import ConfigError, UsageError
from runner.source import TreePath
from runner.transport import Failure, Reply

State = Literal["agrees", "differs", "not allowed", "not there", "failed", "not tried"]

ENVELOPE = "envelope"

SILENCES_IN_A_ROW = 3
"""Consecutive requests without an answer after which no more are sent."""


@dataclass(frozen=True)
class ProbeResult:
    """The result of one read.

    `items` is the number of objects in the answer. `note` is for people, and holds no values.
    """

    operation: Operation
    state: State
    status: int = 0
    items: int = 0
    note: str = ""
    differences: tuple[Difference, ...] = ()


def probe(
    api: Api,
    connection: Connection,
    *,
    today: dt.date,
    wait: Callable[[float], None],
    hits: Hits | None = None,
) -> Iterator[ProbeResult]:
    """Try each read of an API, beginning with those that require no ids; yield their results.

    Each request counts against the daily quota `hits`. `wait` sleeps for a number of seconds.
    Raises UsageError if the API has no reads, ConfigError if its host cannot be trusted.
    """
    waiting = [operation for operation in api.operations.values() if operation.effect == "read"]
    if not waiting:
        raise UsageError(
            f"{api.name} has no operation that reads",
            remedy="there is nothing that a probe may send",
        )
    prober = _Prober(api, connection, Knowledge(today), wait, hits)
    silences = 0
    # Each answer may bring the ids that other reads require: the list is built again each time.
    while ready := [operation for operation in waiting if prober.arguments(operation) is not None]:
        for operation in ready:
            waiting.remove(operation)
            if silences == SILENCES_IN_A_ROW:
                yield ProbeResult(operation, "not tried", note="the host does not answer")
                continue
            probed = prober.ask(operation, prober.arguments(operation) or {})
            silences = silences + 1 if probed.state == "failed" and not probed.status else 0
            yield probed
    for operation in waiting:
        yield ProbeResult(operation, "not tried", note=prober.lacks(operation))


@dataclass
class _Prober:
    api: Api
    connection: Connection
    knowledge: Knowledge
    wait: Callable[[float], None]
    hits: Hits | None = None

    def arguments(self, operation: Operation) -> Mapping[str, Any] | None:
        """Return the arguments of a read; None if one is missing, or if it is not a GET."""
        arguments, missing = self.knowledge.arguments(operation)
        return None if missing or operation.method != "GET" else arguments

    def lacks(self, operation: Operation) -> str:
        """Return the reason why an operation is not tried."""
        if operation.method != "GET":
            return f"it is a {operation.method}"
        return "needs " + ", ".join(self.knowledge.arguments(operation)[1])

    def ask(self, operation: Operation, arguments: Mapping[str, Any]) -> ProbeResult:
        """Send one GET and compare its answer with the document.

        Raises ConfigError if the host cannot be trusted.
        """
        transport, pace = self.connection.transport, self.connection.pace
        assert transport is not None  # noqa: S101 - a probe always sends
        try:
            request = build_request(
                operation, arguments, base_url=self.connection.base_url, today=self.knowledge.today
            )
        except ArgumentError as error:
            names = ", ".join(sorted({str(path[0]) for path, _ in error.problems}))
            return ProbeResult(operation, "not tried", note=f"needs {names}")
        if self.hits is not None:
            used_up, _ = self.hits.take(self.api.name)
            if used_up:
                return ProbeResult(operation, "not tried", note=used_up)
        while pace is not None and (seconds := pace.use()) > 0:
            self.wait(seconds)
        exchange = transport.send(transport.prepare(request))
        if isinstance(exchange, Failure):
            if exchange.untrusted:
                raise ConfigError(exchange.reason, remedy="ask whoever runs that host")
            return ProbeResult(operation, "failed", exchange.status, note=exchange.reason)
        if pace is not None and exchange.status == 429:
            pace.slow_down(1.0)
        result = self._result(operation, arguments, exchange, mask=transport.mask)
        # A note may quote the server, and a server may echo the secret.
        return replace(result, note=transport.mask.text(result.note))

    def _result(
        self, operation: Operation, arguments: Mapping[str, Any], reply: Reply, *, mask: Mask
    ) -> ProbeResult:
        """Return the result for a reply, by its status, its form and its data."""
        status = reply.status
        if status in operation.empty:
            return ProbeResult(operation, "agrees", status, note="there are none")
        if not 200 <= status < 300:
            return _refused(operation, reply)
        try:
            read_answer(
                operation, status=status, content_type=reply.content_type, content=reply.content
            )
            unread = ""
        except DeclaredFailure as failure:
            state: State = "not allowed" if failure.credentials else "failed"
            return ProbeResult(operation, state, status, note=failure.reason)
        except AnswerError as error:
            unread = error.reason
        try:
            data = mask.data(parse_json(reply.content))
        except AnswerError as error:
            return ProbeResult(operation, "failed", status, note=unread or error.reason)
        return self._compared(
            operation, arguments, ProbeResult(operation, "agrees", status), data, unread
        )

    def _compared(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        probed: ProbeResult,
        data: Any,
        unread: str,
    ) -> ProbeResult:
        """Return the result for an answer's data; `unread` is the reason why it cannot be read."""
        document = self.api.document
        place = answer_place(document, operation)
        listed = _listed(operation, data)
        items = listed or []
        if listed is None and isinstance(data, dict) and not operation.items:
            items = [data]
        self.knowledge.learn(operation, arguments, items)
        probed = replace(probed, items=len(items))
        if place is None:
            if unread:
                return replace(probed, state="failed", note=unread)
            return replace(probed, note="the document does not describe the answer")
        if not _as_declared(operation, data):
            differences = _envelope_differences(document, operation, data, listed or [], place)
        elif operation.items == "*" and isinstance(data, dict):
            differences = compare(document, place, [[data]], "")
        else:
            differences = compare(document, place, [data], "")
        if unread and not differences:
            differences = [Difference(ENVELOPE, "", unread, "", place)]
        if differences:
            return replace(probed, state="differs", differences=tuple(differences))
        return replace(probed, note="the list is empty" if operation.items and not items else "")


def _refused(operation: Operation, reply: Reply) -> ProbeResult:
    """Return the result for a reply whose status is not 2xx."""
    status = reply.status
    if status in (401, 403):
        return ProbeResult(operation, "not allowed", status)
    if status == 404:
        return ProbeResult(operation, "not there", status)
    if 300 <= status < 400:
        return ProbeResult(
            operation, "failed", status, note="leads elsewhere, which is not followed"
        )
    return ProbeResult(
        operation, "failed", status, note=describe_error(reply.content_type, reply.content)
    )


def _as_declared(operation: Operation, data: Any) -> bool:
    """Return true if the answer has the declared form; a single object may replace a list."""
    if not isinstance(data, dict):
        return isinstance(data, list) and operation.items == "*"
    if operation.items == "*":
        return not any(isinstance(value, list) for value in data.values())
    return not operation.items or operation.items in data


def _listed(operation: Operation, data: Any) -> list[Any] | None:
    """Return the list of an answer: as declared, bare, or the only one in another envelope.

    None if there is no list.
    """
    if isinstance(data, list):
        return data
    if not isinstance(data, dict) or not operation.items:
        return None
    name = operation.items if operation.items in data else _only_list(data)
    if name is None:
        return [data] if _as_declared(operation, data) else None
    inner = data[name]
    if isinstance(inner, list):
        return inner
    return [inner] if isinstance(inner, dict) else []


def _only_list(data: Mapping[str, Any]) -> str | None:
    """Return the name of the only list in an object, or of the only list of objects in it."""
    lists = [name for name, value in data.items() if isinstance(value, list) and is_name(name)]
    of_objects = [name for name in lists if any(isinstance(entry, dict) for entry in data[name])]
    candidates = of_objects or lists
    return candidates[0] if len(candidates) == 1 else None


def _envelope_differences(
    document: Any, operation: Operation, data: Any, items: list[Any], place: TreePath
) -> list[Difference]:
    """Return the differences of an answer whose envelope differs; `items` are the objects in its list."""
    declared = {"": "an object", "*": "a list"}.get(
        operation.items, f"an object with {operation.items!r}"
    )
    inside = _items_place(document, operation, place) if operation.items else None
    described = follow_path(document, inside) if inside else None
    reference = described.get("$ref") if isinstance(described, Mapping) else None
    list_schema = {"type": "array", "items": {"$ref": reference} if reference else schema_of(items)}
    if isinstance(data, list):
        envelope = Difference(ENVELOPE, "", "a list", declared, place, list_schema)
        return [envelope, *(compare(document, inside, items, "[]") if inside else ())]
    name = _only_list(data) if isinstance(data, dict) else None
    if name is None:
        return [Difference(ENVELOPE, "", _form(data), declared, place)]
    envelope = Difference(ENVELOPE, name, f"an object with {name!r}", declared, place)
    in_items = compare(document, inside, items, f"{name}[]") if inside else []
    if operation.items == "*":
        # The document describes a list: it cannot describe the fields around it.
        fields = {**schema_of([{**data, name: []}]).get("properties", {}), name: list_schema}
        envelope = replace(envelope, schema={"type": "object", "properties": fields})
        return [envelope, *in_items]
    differences = {each.at: each for each in compare(document, place, [data])}
    differences[name] = Difference(
        "unknown", name, "array", "", Description(document, place).home, list_schema
    )
    return [envelope, *differences.values(), *in_items]


def _form(data: Any) -> str:
    """Return the form of an answer in words: its type, and the names of its fields."""
    names = ", ".join(key for key in data if is_name(key)) if isinstance(data, dict) else ""
    if names:
        return f"an object with {names}"
    kind = json_type(data)
    return "an object" if kind == "object" else kind


def _items_place(document: Any, operation: Operation, place: TreePath) -> TreePath | None:
    """Return the path of the schema of one object of a list; None if there is none."""
    described = Description(document, place)
    if operation.items != "*":
        inner = described.properties.get(operation.items)
        described = Description(document, inner) if inner is not None else described
    return described.items
