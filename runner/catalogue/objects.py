"""Where people see what a call has made, as the API's document says with `x-runner-link`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from runner.catalogue.operation import Operation

_NAME = re.compile(r"\{([^{}]*)\}")


def link_names(link: str) -> list[str]:
    """The fields of the answer that an address names."""
    return _NAME.findall(link)


def link_of(operation: Operation, answer: Any) -> str:
    """The address of what `operation` has made; empty where the document says none, or the answer lacks a field."""
    if not operation.link or not isinstance(answer, Mapping):
        return ""
    values = {name: answer.get(name) for name in link_names(operation.link)}
    if any(
        isinstance(value, bool) or not isinstance(value, str | int | Decimal)
        for value in values.values()
    ):
        return ""
    return _NAME.sub(lambda found: quote(str(values[found[1]]), safe=""), operation.link)
