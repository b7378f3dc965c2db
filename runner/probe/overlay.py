"""What a probe found, as an OpenAPI Overlay to start from: an API's document becomes what the account was seen to do.

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
from runner.probe.probe import ENVELOPE, Probed
from runner.source import TreePath

_WIDTH = 110
_EVIDENCE = {"x-runner-evidence": "observed"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*\Z", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)


def overlay_actions(found: Sequence[Probed], document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An action for each difference that can be written down, those of one field in one."""
    actions: dict[tuple[str, str], dict[str, Any]] = {}
    for probed in found:
        for difference in probed.differences:
            for target, name, change in _changes(probed, difference, document):
                key = (target, name)
                if key in actions:
                    actions[key] = _both(actions[key], change)
                else:
                    shown = f": {difference.at}" if difference.at else ""
                    actions[key] = {
                        "target": target, "description": f"seen in {probed.operation.name}{shown}", **change
                    }  # fmt: skip
    return list(actions.values())


def _changes(
    probed: Probed, difference: Difference, document: Mapping[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What to change for a difference: the target, what of it, and the action's update or remove."""
    target, name = json_path(difference.place), difference.name
    if difference.kind == "unknown":
        yield target, name, {"update": {"properties": {name: {**difference.schema, **_EVIDENCE}}}}
    elif difference.kind == "table":
        yield target, "*", {"update": {"additionalProperties": True}}
    elif difference.kind == "missing":
        yield f"{target}.required[?@=={_quoted(name)}]", name, {"remove": True}
    elif difference.kind == "type":
        before = (follow_path(document, difference.place) or {}).get("type", ())
        more = difference.schema["type"]
        added = [more] if isinstance(more, str) else list(more)
        yield (
            target,
            "type",
            {
                "update": {
                    "type": [before, *added] if isinstance(before, str) else added,
                    **_EVIDENCE,
                }
            },
        )
    elif difference.kind == ENVELOPE and (difference.schema or difference.at):
        operation = probed.operation
        entry = json_path(("paths", operation.path, operation.method.lower()))
        yield entry, "items", {"update": {"x-runner-items": difference.at or "*", **_EVIDENCE}}
        if difference.schema:
            yield target, "", {"update": {**difference.schema, **_EVIDENCE}}


def _both(action: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """One action for what two operations showed of the same field."""
    old, new = action.get("update", {}), change.get("update", {})
    if "properties" in old and "properties" in new:
        (name,) = new["properties"]
        schema = {
            **merged_schema(_bare(old["properties"][name]), _bare(new["properties"][name])),
            **_EVIDENCE,
        }
        return {**action, "update": {"properties": {name: schema}}}
    if isinstance(old.get("type"), list):
        return {
            **action,
            "update": {**old, "type": list(dict.fromkeys([*old["type"], *new["type"]]))},
        }
    return action


def _bare(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _EVIDENCE}


def overlay_text(actions: Sequence[Mapping[str, Any]], *, title: str, version: str) -> str:
    """The overlay as YAML."""
    head = ['overlay: "1.0.0"', f"info: {_flow({'title': title, 'version': version})}", "actions:"]
    return "\n".join([*head, *_block(list(actions), 2)]) + "\n"


def json_path(path: TreePath) -> str:
    """A place in a document as JSONPath: $.paths['/orders'].get"""
    return "$" + "".join(
        f"[{part}]"
        if isinstance(part, int)
        else f".{part}"
        if _MEMBER.match(part)
        else f"[{_quoted(part)}]"
        for part in path
    )


def _quoted(name: str) -> str:
    inner = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"


def _block(value: Any, indent: int) -> Iterator[str]:
    """A mapping or list as YAML lines, what is short in brackets."""
    blank = " " * indent
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(f"{blank}{_flow(key)}:", inner, indent)
    else:
        for inner in value:
            lines = (
                list(_block(inner, indent + 2))
                if isinstance(inner, Mapping) and inner
                else [_flow(inner)]
            )
            yield f"{blank}- {lines[0].strip()}"
            yield from lines[1:]


def _entry(start: str, value: Any, indent: int) -> Iterator[str]:
    text = _flow(value)
    if isinstance(value, Mapping | list) and value and len(start) + len(text) >= _WIDTH:
        yield start
        yield from _block(value, indent + 2)
    else:
        yield f"{start} {text}"


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)
