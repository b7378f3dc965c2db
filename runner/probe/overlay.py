"""OpenAPI Overlay of the differences that a probe found: it corrects an API's document for one account.

overlay: "1.0.0"
info: {title: "shop as acme has it", version: "1"}
actions:
  - target: "$.components.schemas.Customer"
    description: "seen in get_customer: fax"
    update: {properties: {fax: {type: string, x-runner-evidence: observed}}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from runner.probe.compare import Difference, follow_path
from runner.probe.observed import merged_schema
from runner.probe.probe import ENVELOPE, ProbeResult
from runner.source import TreePath

_WIDTH = 110
"""Columns of a line of the overlay, above which a mapping or list takes several lines."""

_EVIDENCE = {"x-runner-evidence": "observed"}
# Texts that YAML reads as text without quotes, unless they are one of _WORDS.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*\Z", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)


def overlay_actions(
    found: Sequence[ProbeResult], document: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return an action for each difference that an overlay can express, one action per field."""
    actions: dict[tuple[str, str], dict[str, Any]] = {}
    for probed in found:
        for difference in probed.differences:
            for target, name, change in _changes(probed, difference, document):
                key = (target, name)
                if key in actions:
                    actions[key] = _merged_action(actions[key], change)
                else:
                    field_name = f": {difference.at}" if difference.at else ""
                    description = f"seen in {probed.operation.name}{field_name}"
                    actions[key] = {"target": target, "description": description, **change}
    return list(actions.values())


def _changes(
    probed: ProbeResult, difference: Difference, document: Mapping[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the changes for a difference: target, the part of it, and the action's update or remove."""
    target, name = json_path(difference.place), difference.name
    if difference.kind == "unknown":
        yield target, name, {"update": {"properties": {name: {**difference.schema, **_EVIDENCE}}}}
    elif difference.kind == "table":
        yield target, "*", {"update": {"additionalProperties": True}}
    elif difference.kind == "missing":
        yield f"{target}.required[?@=={_quoted(name)}]", name, {"remove": True}
    elif difference.kind == "type":
        declared = (follow_path(document, difference.place) or {}).get("type", ())
        more = difference.schema["type"]
        types = [more] if isinstance(more, str) else list(more)
        # An update appends to a list of types, but replaces a single type.
        if isinstance(declared, str):
            types = [declared, *types]
        yield target, "type", {"update": {"type": types, **_EVIDENCE}}
    elif difference.kind == ENVELOPE and (difference.schema or difference.at):
        operation = probed.operation
        entry = json_path(("paths", operation.path, operation.method.lower()))
        yield entry, "items", {"update": {"x-runner-items": difference.at or "*", **_EVIDENCE}}
        if difference.schema:
            yield target, "", {"update": {**difference.schema, **_EVIDENCE}}


def _merged_action(action: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return one action for the differences of one field in two operations."""
    old, new = action.get("update", {}), change.get("update", {})
    if "properties" in old and "properties" in new:
        (name,) = new["properties"]
        merged = merged_schema(
            _without_evidence(old["properties"][name]), _without_evidence(new["properties"][name])
        )
        return {**action, "update": {"properties": {name: {**merged, **_EVIDENCE}}}}
    if isinstance(old.get("type"), list):
        types = list(dict.fromkeys([*old["type"], *new["type"]]))
        return {**action, "update": {**old, "type": types}}
    return action


def _without_evidence(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _EVIDENCE}


def overlay_text(actions: Sequence[Mapping[str, Any]], *, title: str, version: str) -> str:
    """Return the overlay as YAML."""
    head = ['overlay: "1.0.0"', f"info: {_flow({'title': title, 'version': version})}", "actions:"]
    return "\n".join([*head, *_block(list(actions), 2)]) + "\n"


def json_path(path: TreePath) -> str:
    """Return a place in a document as JSONPath, as in $.paths['/orders'].get"""
    return "$" + "".join(map(_segment, path))


def _segment(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _MEMBER.match(part) else f"[{_quoted(part)}]"


def _quoted(name: str) -> str:
    inner = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"


def _block(value: Any, indent: int) -> Iterator[str]:
    """Yield the YAML lines of a mapping or list, with short values in flow style."""
    spaces = " " * indent
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(f"{spaces}{_flow(key)}:", inner, indent)
    else:
        for inner in value:
            lines = [_flow(inner)]
            if isinstance(inner, Mapping) and inner:
                lines = list(_block(inner, indent + 2))
            yield f"{spaces}- {lines[0].strip()}"
            yield from lines[1:]


def _entry(start: str, value: Any, indent: int) -> Iterator[str]:
    text = _flow(value)
    if isinstance(value, Mapping | list) and value and len(start) + len(text) >= _WIDTH:
        yield start
        yield from _block(value, indent + 2)
    else:
        yield f"{start} {text}"


def _flow(value: Any) -> str:
    """Return a value in flow style, on one line."""
    if isinstance(value, Mapping):
        entries = [f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()]
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)
