"""Links to the created or changed object for people, from `x-runner-link` of the API's document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from runner.catalogue.operation import Operation

_NAME = re.compile(r"\{([^{}]*)\}")


def link_names(link: str) -> list[str]:
    """Return the fields of the answer that a link contains."""
    return _NAME.findall(link)


def link_of(operation: Operation, answer: Any) -> str:
    """Return the link to the object that `operation` created; empty without one, or without one of its fields."""
    if not operation.link or not isinstance(answer, Mapping):
        return ""
    values = {name: answer.get(name) for name in link_names(operation.link)}
    if any(
        isinstance(value, bool) or not isinstance(value, str | int | Decimal)
        for value in values.values()
    ):
        return ""
    return _NAME.sub(lambda match: quote(str(values[match[1]]), safe=""), operation.link)
