"""What `--dry-run --all` shows, read back: every planned write, with its body as JSON text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_UNKNOWN = r"\(known after run: ([^()]*)\)"
_ROW = re.compile(r"(?P<key>\S+)(?:  lines? [\d, -]+)?$")
_CALL = re.compile(
    rf"  (?P<label>\S+) +(?P<operation>\w+) +(?P<method>[A-Z]+) (?P<url>(?:{_UNKNOWN}|\S)+)"
    r"(?:  (?P<amount>[\d,.]+))?(?:  x (?P<times>\d+))?$"
)
_SEARCH = re.compile(rf"      only if GET (?P<url>(?:{_UNKNOWN}|\S)+) finds none$")
_FIELD = re.compile(r"      (?P<path>[\w.\[\]]+) +(?P<rest>(?:\(known|[\"\d\-\[{tfn]).*)$")
_BODY = re.compile(r"\w+|\[\d+\]")


@dataclass
class Later:
    """A value that only the run knows; `origin` says which, as in `job.id`."""

    origin: str


@dataclass
class Number:
    """A number as it stands, with all its digits."""

    text: str


@dataclass
class Planned:
    """A planned write of the row `key`."""

    key: str
    label: str
    method: str
    url: str
    amount: str
    search: str = ""
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> str:
        return self.label.partition("[")[0]


def read_plan(text: str) -> list[Planned]:
    """The planned writes, in the order in which they are sent."""
    found: list[Planned] = []
    key, times = "", 1
    for line in text.splitlines():
        if call := _CALL.match(line):
            times = int(call["times"] or 1)
            parts = (call["label"], call["method"], call["url"], call["amount"] or "")
            found.extend(Planned(key, *parts) for _ in range(times))
        elif search := _SEARCH.match(line):
            for planned in found[-times:]:
                planned.search = search["url"]
        elif item := _FIELD.match(line):
            for planned in found[-times:]:
                _put(planned.body, item["path"], _value(item["rest"]))
        elif row := _ROW.match(line):
            key = row["key"]
    return found


def _value(text: str) -> Any:
    later = re.match(_UNKNOWN, text)
    if later:
        return Later(later[1])
    return json.JSONDecoder(parse_float=Number, parse_int=Number).raw_decode(text)[0]


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = _BODY.findall(path)
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = value


def wire(tree: Any) -> str:
    """A planned value as the JSON text that goes on the wire. Everything in it has to be known."""
    if isinstance(tree, dict):
        if tree and all(name.startswith("[") for name in tree):
            return f"[{','.join(map(wire, tree.values()))}]"
        return "{" + ",".join(f"{wire(name)}:{wire(value)}" for name, value in tree.items()) + "}"
    return tree.text if isinstance(tree, Number) else json.dumps(tree, ensure_ascii=False)
