"""Arguments of a sent request, parsed from its URL and body as far as possible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from runner.catalogue.answer import AnswerError, parse_json
from runner.catalogue.operation import Operation
from runner.catalogue.schemas.schema import types_of
from runner.catalogue.values.form import decode_form
from runner.problems import WITHHELD

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


def sent_arguments(operation: Operation, *, path: str, body: str) -> dict[str, Any]:
    """Return the arguments by name; credentials, and values that do not fit the operation, are left out.

    `path` is path and query below the base URL.
    """
    names = {parameter.sent_as: parameter for parameter in operation.parameters.values()}
    start, *parts = re.split(r"\{([^{}]*)\}", operation.path)
    pattern = re.escape(start) + "".join(f"([^/?]*){re.escape(after)}" for after in parts[1::2])
    place, _, query = path.partition("?")
    match = re.fullmatch(pattern, place)
    texts = dict(zip(parts[::2], map(unquote, match.groups()), strict=True)) if match else {}
    texts |= dict(parse_qsl(query))
    fields = {name: each for name, each in _fields(operation, body).items() if each != WITHHELD}
    return fields | {
        names[name].name: _typed(names[name].schema, text)
        for name, text in texts.items()
        if name in names
    }


def _fields(operation: Operation, body: str) -> dict[str, Any]:
    if not body:
        return {}
    if operation.form:
        data = decode_form(body.encode(), operation.body or {})
    else:
        try:
            data = parse_json(body.encode())
        except AnswerError:
            return {}
    return dict(data) if isinstance(data, Mapping) else {}


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """Return a text of a URL as the type of its parameter's schema."""
    return int(text) if "integer" in types_of(schema) and _INTEGER.fullmatch(text) else text
