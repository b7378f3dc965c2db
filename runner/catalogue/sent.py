"""The arguments of a request that was sent, read back from its URL and body, as far as they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from runner.catalogue.answer import AnswerError, parse_json
from runner.catalogue.operation import Operation
from runner.catalogue.schemas.schema import types_of
from runner.catalogue.values.form import decode_form

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")


def sent_arguments(operation: Operation, *, path: str, body: str) -> dict[str, Any]:
    """The arguments by name. `path` is path and query below the base URL; what does not fit is left out."""
    names = {each.sent_as: each for each in operation.parameters.values()}
    start, *parts = re.split(r"\{([^{}]*)\}", operation.path)
    pattern = re.escape(start) + "".join(f"([^/?]*){re.escape(after)}" for after in parts[1::2])
    place, _, query = path.partition("?")
    match = re.fullmatch(pattern, place)
    texts = dict(zip(parts[::2], map(unquote, match.groups()), strict=True)) if match else {}
    texts |= dict(parse_qsl(query))
    return _fields(operation, body) | {
        names[name].name: _typed(names[name].schema, text)
        for name, text in texts.items()
        if name in names
    }


def _fields(operation: Operation, body: str) -> dict[str, Any]:
    if not body:
        return {}
    if operation.form:
        found = decode_form(body.encode(), operation.body or {})
    else:
        try:
            found = parse_json(body.encode())
        except AnswerError:
            return {}
    return dict(found) if isinstance(found, Mapping) else {}


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """A text of a URL as the schema of its parameter has it."""
    return int(text) if "integer" in types_of(schema) and _WHOLE.fullmatch(text) else text
