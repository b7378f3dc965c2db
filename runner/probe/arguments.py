"""Arguments of the reads of a probe: dates, pages, and ids of objects that earlier lists returned.

They need no prior knowledge of the account.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.catalogue import Conditions, Operation, Parameter
from runner.catalogue.schemas.schema import types_of

RECENT_DAYS = 30
"""Days before today at which a search starts if it requires a date."""

MAX_OBJECTS = 100
"""Objects per answer that are remembered, and whose ids are tried."""

_DATE = re.compile(r"(?:^|_)(?:date|since|until|from|to|before|after|day)(?:_|$)")
_LAST = re.compile(r"(?:^|_)(?:to|until|end|before)(?:_|$)")
_ID = re.compile(r"_?(?:id|number|no|key)\Z")


@dataclass(frozen=True)
class ListedObject:
    """An object of an answer.

    collection  the path of the read, with {} for each parameter
    arguments   the path parameters that the read was sent with
    item        the object itself
    """

    collection: str
    arguments: Mapping[str, Any]
    item: Mapping[str, Any]

    def value(self, name: str, above: str) -> Any:
        """Return the value for the path parameter `name` that follows the path `above`, or None."""
        key, stem = _plain(name), _stem(name)
        for argument, value in self.arguments.items():
            if _plain(argument) == key and (stem or self.collection.startswith(f"{above}/{{}}")):
                return value
        if not stem:
            # A parameter that is just called `id` fits only the objects of the list right above it.
            return self._own_id() if self.collection == above else None
        for field_name, value in self.item.items():
            if _plain(field_name) == key and _is_id(value):
                return value
        if self.collection == above or stem in _singulars(self.collection):
            return self._own_id()
        # A nested object, such as `client: {id: 7}` for the parameter client_id.
        nested = (value for field_name, value in self.item.items() if _plain(field_name) == stem)
        nested_id = next((value.get("id") for value in nested if isinstance(value, Mapping)), None)
        return nested_id if _is_id(nested_id) else None

    def _own_id(self) -> Any:
        """Return the object's own id: the field `id`, or the only field whose name ends with _id."""
        if _is_id(self.item.get("id")):
            return self.item["id"]
        ids = [
            value
            for name, value in self.item.items()
            if _snake(name).endswith("_id") and _is_id(value)
        ]
        return ids[0] if len(ids) == 1 else None


@dataclass
class Knowledge:
    """The objects of the answers so far, and today's date."""

    today: dt.date
    seen: list[ListedObject] = field(default_factory=list)

    def learn(
        self, operation: Operation, arguments: Mapping[str, Any], items: Sequence[Any]
    ) -> None:
        """Remember the first objects that a read returned."""
        path = {
            name: value
            for name, value in arguments.items()
            if operation.parameters[name].place == "path"
        }
        collection = shape(operation.path)
        self.seen += [
            ListedObject(collection, path, item)
            for item in items[:MAX_OBJECTS]
            if isinstance(item, Mapping)
        ]

    def arguments(self, operation: Operation) -> tuple[dict[str, Any], list[str]]:
        """Return arguments for what the operation requires, and the names without a value."""
        arguments: dict[str, Any] = {}
        missing: list[str] = []
        for name in sorted(operation.required):
            parameter = operation.parameters.get(name)
            value = self._generic_value(operation, parameter) if parameter is not None else None
            if value is None:
                missing.append(name)
            else:
                arguments[name] = value
        if not missing:
            return arguments, []
        prefixes = {name: _prefix(operation.path, name) for name in missing}
        best: dict[str, Any] = {}
        # All ids come from one object: ids of different objects hardly belong together.
        for listed in self.seen:
            ids = {
                name: value
                for name in missing
                if (value := listed.value(name, prefixes[name])) is not None
            }
            best = max(best, ids, key=len)
            if len(best) == len(missing):
                break
        return {**arguments, **best}, [name for name in missing if name not in best]

    def _generic_value(self, operation: Operation, parameter: Parameter) -> Any:
        """Return a value that is valid regardless of the account's data, or None."""
        pages, schema, name = operation.pagination, parameter.schema, parameter.name
        if pages and name in (pages.page, pages.count):
            return 1
        if pages and name == pages.offset:
            return 0
        if parameter.conditions:
            return _recent(parameter.conditions, self.today)
        for key in ("const", "default"):
            if schema.get(key) is not None:
                return schema[key]
        if schema.get("enum"):
            return schema["enum"][0]
        return self._date(parameter) if parameter.place != "path" else None

    def _date(self, parameter: Parameter) -> str | None:
        """Return a recent date in the parameter's format, or None unless the parameter is a date."""
        kind, name = parameter.schema.get("format", ""), _snake(parameter.name)
        if kind not in ("date", "date-time") and not (
            _DATE.search(name) and "string" in types_of(parameter.schema)
        ):
            return None
        day = self.today if _LAST.search(name) else self.today - dt.timedelta(days=RECENT_DAYS)
        if kind == "date-time":
            return f"{day}T00:00:00Z"
        return f"{day}T00:00:00" if "T" in str(parameter.example or "") else day.isoformat()


def shape(path: str) -> str:
    """Return a path with {} for each parameter."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def _prefix(path: str, name: str) -> str:
    """Return the part of a path in front of a parameter; empty unless the path contains it."""
    before, separator, _ = path.partition(f"/{{{name}}}")
    return shape(before) if separator else ""


def _recent(grammar: Conditions, today: dt.date) -> Sequence[Mapping[str, Any]] | None:
    """Return a search condition for recent objects: a date after RECENT_DAYS ago, or None."""
    date_field = next((name for name, each in grammar.fields.items() if each.kind.format), None)
    after = next(
        (name for name in grammar.named if name in ("after", "not_before", "greater", "from")), None
    )
    if date_field is None or after is None:
        return None
    start = today - dt.timedelta(days=RECENT_DAYS)
    return [{"field": date_field, "is": after, "value": start.isoformat()}]


def _is_id(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and bool(value.strip())
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def _plain(name: str) -> str:
    return _snake(name).replace("_", "")


def _stem(name: str) -> str:
    """Return the noun in the name of an id: "job" for job_id and for jobId."""
    return _ID.sub("", _snake(name)).replace("_", "")


def _singulars(collection: str) -> set[str]:
    """Return possible names of one object of a collection."""
    last = _plain(collection.rstrip("/").rpartition("/")[2])
    endings = {"": "", "s": "", "es": "", "ies": "y"}
    return {last.removesuffix(end) + other for end, other in endings.items() if last.endswith(end)}
