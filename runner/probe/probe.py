"""Asking a live API whether it still looks like its document: one GET for each read, and nothing that changes anything.

agrees        as the document says (an empty list shows no more than its envelope)
differs       some field, or the envelope, is not as the document says
not allowed   401, 403, or what the document declares to mean that
not there     404 where the document does not say that this means an empty list
failed        no usable answer: no connection, 5xx, any other status, an HTML page, no JSON
not tried     an argument is required that nothing is known of, or the host had stopped answering
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
"""Requests without an answer after which no more are sent."""


@dataclass(frozen=True)
class Probed:
    """What came of one read. `items` is how many objects the answer held; `note` is for people, without values."""

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
) -> Iterator[Probed]:
    """Try every read of an API that can be tried, those first that need to know nothing; each is one of the `hits`.

    Raises UsageError when it has no reads, ConfigError when its host cannot be trusted.
    """
    waiting = [operation for operation in api.operations.values() if operation.effect == "read"]
    if not waiting:
        raise UsageError(
            f"{api.name} has no operation that reads",
            remedy="there is nothing that a probe may send",
        )
    prober = _Prober(api, connection, Knowledge(today), wait, hits)
    silences = 0
    while ready := [operation for operation in waiting if prober.arguments(operation) is not None]:
        for operation in ready:
            waiting.remove(operation)
            if silences == SILENCES_IN_A_ROW:
                yield Probed(operation, "not tried", note="the host does not answer")
                continue
            probed = prober.ask(operation, prober.arguments(operation) or {})
            silences = silences + 1 if probed.state == "failed" and not probed.status else 0
            yield probed
    for operation in waiting:
        yield Probed(operation, "not tried", note=prober.lacks(operation))


@dataclass
class _Prober:
    api: Api
    connection: Connection
    knowledge: Knowledge
    wait: Callable[[float], None]
    hits: Hits | None = None

    def arguments(self, operation: Operation) -> Mapping[str, Any] | None:
        """What can be asked with; None when that is not known, or when asking may change something."""
        given, needed = self.knowledge.arguments(operation)
        return None if needed or operation.method != "GET" else given

    def lacks(self, operation: Operation) -> str:
        """Why an operation is not tried."""
        if operation.method != "GET":
            return f"it is a {operation.method}"
        return "needs " + ", ".join(self.knowledge.arguments(operation)[1])

    def ask(self, operation: Operation, arguments: Mapping[str, Any]) -> Probed:
        """Send one GET and judge what comes back."""
        transport, pace = self.connection.transport, self.connection.pace
        assert transport is not None  # noqa: S101 - a probe always sends
        try:
            request = build_request(
                operation, arguments, base_url=self.connection.base_url, today=self.knowledge.today
            )
        except ArgumentError as error:
            names = ", ".join(sorted({str(path[0]) for path, _ in error.problems}))
            return Probed(operation, "not tried", note=f"needs {names}")
        used_up, _ = self.hits.take(self.api.name) if self.hits is not None else ("", "")
        if used_up:
            return Probed(operation, "not tried", note=used_up)
        while pace is not None and (seconds := pace.use()) > 0:
            self.wait(seconds)
        exchange = transport.send(transport.prepare(request))
        if isinstance(exchange, Failure):
            if exchange.untrusted:
                raise ConfigError(exchange.reason, remedy="ask whoever runs that host")
            return Probed(operation, "failed", exchange.status, note=exchange.reason)
        if pace is not None and exchange.status == 429:
            pace.slow_down(1.0)
        judged = self._judge(operation, arguments, exchange, mask=transport.mask)
        return replace(judged, note=transport.mask.text(judged.note))

    def _judge(
        self, operation: Operation, arguments: Mapping[str, Any], reply: Reply, *, mask: Mask
    ) -> Probed:
        status = reply.status
        if status in operation.empty:
            return Probed(operation, "agrees", status, note="there are none")
        if not 200 <= status < 300:
            return _refused(operation, reply)
        try:
            read_answer(
                operation, status=status, content_type=reply.content_type, content=reply.content
            )
            unread = ""
        except DeclaredFailure as failure:
            return Probed(
                operation,
                "not allowed" if failure.credentials else "failed",
                status,
                note=failure.reason,
            )
        except AnswerError as error:
            unread = error.reason
        try:
            data = mask.data(parse_json(reply.content))
        except AnswerError as error:
            return Probed(operation, "failed", status, note=unread or error.reason)
        return self._compared(
            operation, arguments, Probed(operation, "agrees", status), data, unread
        )

    def _compared(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        probed: Probed,
        data: Any,
        unread: str,
    ) -> Probed:
        document = self.api.document
        place = answer_place(document, operation)
        found = _listed(operation, data)
        items = (
            found
            if found is not None
            else [data]
            if isinstance(data, dict) and not operation.items
            else []
        )
        self.knowledge.learn(operation, arguments, items)
        probed = replace(probed, items=len(items))
        if place is None:
            if unread:
                return replace(probed, state="failed", note=unread)
            return replace(probed, note="the document does not describe the answer")
        if not _as_declared(operation, data):
            differences = _elsewhere(document, operation, data, found or [], place)
        elif operation.items == "*" and isinstance(data, dict):
            differences = compare(document, place, [[data]], "")
        else:
            differences = compare(document, place, [data], "")
        if unread and not differences:
            differences = [Difference(ENVELOPE, "", unread, "", place)]
        if differences:
            return replace(probed, state="differs", differences=tuple(differences))
        return replace(probed, note="the list is empty" if operation.items and not items else "")


def _refused(operation: Operation, reply: Reply) -> Probed:
    status = reply.status
    if status in (401, 403):
        return Probed(operation, "not allowed", status)
    if status == 404:
        return Probed(operation, "not there", status)
    if 300 <= status < 400:
        return Probed(operation, "failed", status, note="leads elsewhere, which is not followed")
    return Probed(
        operation, "failed", status, note=describe_error(reply.content_type, reply.content)
    )


def _as_declared(operation: Operation, data: Any) -> bool:
    """Whether the answer has the form that the document says: a lone object may stand for a list."""
    if not isinstance(data, dict):
        return isinstance(data, list) and operation.items == "*"
    if operation.items == "*":
        return not any(isinstance(value, list) for value in data.values())
    return not operation.items or operation.items in data


def _listed(operation: Operation, data: Any) -> list[Any] | None:
    """The list of an answer, wherever it is: declared, bare, or the only one in another envelope."""
    if isinstance(data, list):
        return data
    if not isinstance(data, dict) or not operation.items:
        return None
    name = operation.items if operation.items in data else _only_list(data)
    if name is None:
        return [data] if _as_declared(operation, data) else None
    inner = data[name]
    return inner if isinstance(inner, list) else [inner] if isinstance(inner, dict) else []


def _only_list(data: Mapping[str, Any]) -> str | None:
    """The name of the only list in an object, or of the only one that holds objects."""
    lists = [name for name, value in data.items() if isinstance(value, list) and is_name(name)]
    full = [name for name in lists if any(isinstance(entry, dict) for entry in data[name])]
    chosen = full or lists
    return chosen[0] if len(chosen) == 1 else None


def _elsewhere(
    document: Any, operation: Operation, data: Any, found: list[Any], place: TreePath
) -> list[Difference]:
    """The differences of an answer that holds its list elsewhere than the document says, or holds one at all."""
    declared = {"": "an object", "*": "a list"}.get(
        operation.items, f"an object with {operation.items!r}"
    )
    inside = _items_place(document, operation, place) if operation.items else None
    described = follow_path(document, inside) if inside else None
    reference = described.get("$ref") if isinstance(described, Mapping) else None
    listed = {"type": "array", "items": {"$ref": reference} if reference else schema_of(found)}
    if isinstance(data, list):
        envelope = Difference(ENVELOPE, "", "a list", declared, place, listed)
        return [envelope, *(compare(document, inside, found, "[]") if inside else ())]
    name = _only_list(data) if isinstance(data, dict) else None
    if name is None:
        names = ", ".join(key for key in data if is_name(key)) if isinstance(data, dict) else ""
        what = (
            f"an object with {names}"
            if names
            else {"object": "an object"}.get(json_type(data), json_type(data))
        )
        return [Difference(ENVELOPE, "", what, declared, place)]
    envelope = Difference(ENVELOPE, name, f"an object with {name!r}", declared, place)
    if operation.items == "*":  # the schema is that of a list: it has nothing to say of an object
        around = {**schema_of([{**data, name: []}]).get("properties", {}), name: listed}
        envelope = replace(envelope, schema={"type": "object", "properties": around})
        return [envelope, *(compare(document, inside, found, f"{name}[]") if inside else ())]
    differences = {each.at: each for each in compare(document, place, [data])}
    differences[name] = Difference(
        "unknown", name, "array", "", Description(document, place).home, listed
    )
    return [
        envelope,
        *differences.values(),
        *(compare(document, inside, found, f"{name}[]") if inside else ()),
    ]


def _items_place(document: Any, operation: Operation, place: TreePath) -> TreePath | None:
    """Where the document describes one object of a list."""
    described = Description(document, place)
    if operation.items != "*":
        inner = described.properties.get(operation.items)
        described = Description(document, inner) if inner is not None else described
    return described.items
