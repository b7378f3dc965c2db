"""Where an operation puts what it creates: the object that the innermost parameter of its path names."""

from __future__ import annotations

import re

from runner.catalogue.operation import Operation

_NAME = re.compile(r"\{([^{}]*)\}")


def container_of(operation: Operation) -> str:
    """The parameter that names the object which what `operation` creates will be inside of; empty where there is none.

    POST /jobs/{job_id}/orders/{order_id}/lines creates a line in an order: order_id. A parameter at the very end names
    what is created, so that the one before it counts: POST /orders/{order_id}/tags/{tag} is order_id too. An API whose
    lists are flat names it with x-runner-inside.
    """
    if operation.effect != "create":
        return ""
    if operation.inside:
        return operation.inside
    wires = _NAME.findall(operation.path)
    if len(wires) > 1 and operation.path.endswith("}"):
        wires.pop()
    names = {
        each.wire or name: name
        for name, each in operation.parameters.items()
        if each.place == "path"
    }
    return names.get(wires[-1], "") if wires else ""


def home_of(operation: Operation) -> str:
    """The path under which the container of what `operation` creates was created itself; empty where no path says it.

    POST /jobs/{job_id}/orders/{order_id}/lines: /jobs/{}/orders, without the names of parameters.
    """
    container = container_of(operation)
    parameter = operation.parameters.get(container)
    if parameter is None or parameter.place != "path":
        return ""
    before, _, _ = operation.path.partition(f"/{{{parameter.wire or container}}}")
    return nameless(before)


def nameless(path: str) -> str:
    """A path without the names of its parameters."""
    return _NAME.sub("{}", path)


def collection_of(operation: Operation) -> str:
    """The last word of the path, which says what is created: lineitems, payments."""
    words = [part for part in operation.path.split("/") if part and "{" not in part]
    return words[-1] if words else operation.name
