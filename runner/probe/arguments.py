"""What a probe can ask an API without knowing anything of the account: dates, pages, and ids that lists gave before."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.catalogue import Conditions, Operation, Parameter
from runner.catalogue.schemas.schema import types_of

RECENT_DAYS = 30
"""Days that a search looks back where it has to have a date."""

MAX_KEPT = 100
"""Objects of one answer whose ids are tried."""

_DATE = re.compile(r"(?:^|_)(?:date|since|until|from|to|before|after|day)(?:_|$)")
_LAST = re.compile(r"(?:^|_)(?:to|until|end|before)(?:_|$)")
_ID = re.compile(r"_?(?:id|number|no|key)\Z")


@dataclass(frozen=True)
class Seen:
    """An object that an answer held: where it was listed (a path, its parameters as {}), and the ids on the way."""

    collection: str
    arguments: Mapping[str, Any]
    item: Mapping[str, Any]

    def value(self, name: str, above: str) -> Any:
        """The value of a path parameter that stands after the path `above`; None when this object does not know."""
        key, stem = _plain(name), _stem(name)
        for given, value in self.arguments.items():
            if _plain(given) == key and (stem or self.collection.startswith(f"{above}/{{}}")):
                return value
        if not stem:  # called just `id`: only what was listed right above it can have that
            return self._own_id() if self.collection == above else None
        for inner, value in self.item.items():
            if _plain(inner) == key and _is_id(value):
                return value
        if self.collection == above or stem in _singulars(self.collection):
            return self._own_id()
        references = (value for inner, value in self.item.items() if _plain(inner) == stem)
        found = next((value.get("id") for value in references if isinstance(value, Mapping)), None)
        return found if _is_id(found) else None

    def _own_id(self) -> Any:
        """The id of the object itself: `id`, or the only field that is called like one."""
        if _is_id(self.item.get("id")):
            return self.item["id"]
        named = [
            value
            for name, value in self.item.items()
            if _snake(name).endswith("_id") and _is_id(value)
        ]
        return named[0] if len(named) == 1 else None


@dataclass
class Knowledge:
    """What the answers so far have taught, and what today is."""

    today: dt.date
    seen: list[Seen] = field(default_factory=list)

    def learn(
        self, operation: Operation, arguments: Mapping[str, Any], items: Sequence[Any]
    ) -> None:
        """Keep the first objects that a read gave."""
        path = {
            name: value
            for name, value in arguments.items()
            if operation.parameters[name].place == "path"
        }
        collection = shape(operation.path)
        self.seen += [
            Seen(collection, path, item) for item in items[:MAX_KEPT] if isinstance(item, Mapping)
        ]

    def arguments(self, operation: Operation) -> tuple[dict[str, Any], list[str]]:
        """The arguments for what the operation requires, and the names of those that nothing is known of."""
        given: dict[str, Any] = {}
        needed: list[str] = []
        for name in sorted(operation.required):
            parameter = operation.parameters.get(name)
            value = self._anything(operation, parameter) if parameter is not None else None
            if value is None:
                needed.append(name)
            else:
                given[name] = value
        if not needed:
            return given, []
        places = {name: _above(operation.path, name) for name in needed}
        best: dict[str, Any] = {}
        for seen in self.seen:
            found = {
                name: value
                for name in needed
                if (value := seen.value(name, places[name])) is not None
            }
            best = max(best, found, key=len)
            if len(best) == len(needed):
                break
        return {**given, **best}, [name for name in needed if name not in best]

    def _anything(self, operation: Operation, parameter: Parameter) -> Any:
        """A value that fits whatever the account holds; None where there is none."""
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
        """A day of the recent past, in the form that the parameter shows."""
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
    """A path with every parameter as {}."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def _above(path: str, name: str) -> str:
    """What stands before a parameter in its path."""
    before, found, _ = path.partition(f"/{{{name}}}")
    return shape(before) if found else ""


def _recent(grammar: Conditions, today: dt.date) -> Sequence[Mapping[str, Any]] | None:
    """A search condition for what is recent: a date after a day of the last month."""
    dated = next((name for name, each in grammar.fields.items() if each.kind.format), None)
    after = next(
        (name for name in grammar.named if name in ("after", "not_before", "greater", "from")), None
    )
    if dated is None or after is None:
        return None
    return [
        {"field": dated, "is": after, "value": (today - dt.timedelta(days=RECENT_DAYS)).isoformat()}
    ]


def _is_id(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and bool(value.strip())
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def _plain(name: str) -> str:
    return _snake(name).replace("_", "")


def _stem(name: str) -> str:
    """What a parameter is the id of: job_id and jobId are those of a job."""
    stem = _ID.sub("", _snake(name))
    return stem.replace("_", "")


def _singulars(collection: str) -> set[str]:
    """What one object of a collection may be called."""
    last = _plain(collection.rstrip("/").rpartition("/")[2])
    endings = {"": "", "s": "", "es": "", "ies": "y"}
    return {last.removesuffix(end) + other for end, other in endings.items() if last.endswith(end)}
