"""Containers: the object that an operation creates in, named by the innermost parameter of its path."""

from __future__ import annotations

import re

from runner.catalogue.operation import Operation

_NAME = re.compile(r"\{([^{}]*)\}")


def container_of(operation: Operation) -> str:
    """Return the parameter that names the object in which `operation` creates; empty without one.

    POST /jobs/{job_id}/orders/{order_id}/lines creates a line in an order: order_id. A parameter at the very end names
    the created object, so that the one before it counts: POST /orders/{order_id}/tags/{tag} is order_id too. An API
    whose lists are flat names it with x-runner-inside.
    """
    if operation.effect != "create":
        return ""
    if operation.inside:
        return operation.inside
    wires = _NAME.findall(operation.path)
    if len(wires) > 1 and operation.path.endswith("}"):
        wires.pop()
    names = {
        parameter.wire or name: name
        for name, parameter in operation.parameters.items()
        if parameter.place == "path"
    }
    return names.get(wires[-1], "") if wires else ""


def home_of(operation: Operation) -> str:
    """Return the path under which the container of `operation` was created itself; empty without a path.

    POST /jobs/{job_id}/orders/{order_id}/lines: /jobs/{}/orders, without the names of parameters.
    """
    container = container_of(operation)
    parameter = operation.parameters.get(container)
    if parameter is None or parameter.place != "path":
        return ""
    before, _, _ = operation.path.partition(f"/{{{parameter.wire or container}}}")
    return nameless(before)


def nameless(path: str) -> str:
    """Return a path without the names of its parameters."""
    return _NAME.sub("{}", path)


def collection_of(operation: Operation) -> str:
    """Return the last word of the path, which names the created objects: lineitems, payments."""
    words = [part for part in operation.path.split("/") if part and "{" not in part]
    return words[-1] if words else operation.name
