"""Values as identities: one text for one value, whatever file and spelling it came from."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from runner.keys import canonical
from runner.template.tokens import Reference
from runner.template.values import Group, Lazy, to_text


def identity_of(value: Any) -> str:
    """Return the text that identifies by this value: canonical, and 8.40 reads as 8.4. Raises EvaluationError."""
    if type(value) is str:
        return canonical(value)
    return canonical(to_text(plain(value)))


def plain(value: Any) -> Any:
    """Return the value with its decimals free of trailing zeros, in lists and objects too; itself if it has none."""
    if isinstance(value, Decimal):
        return _shortest(value)
    if isinstance(value, Mapping):
        changed = {
            name: short for name, each in value.items() if (short := plain(each)) is not each
        }
        return _with(value, changed) if changed else value
    if isinstance(value, list | tuple):
        found = [plain(each) for each in value]
        if all(a is b for a, b in zip(found, value, strict=True)):
            return value
        return Group(*found) if isinstance(value, Group) else found
    return value


def identity_scope(scope: Mapping[str, Any], references: Iterable[Reference]) -> Mapping[str, Any]:
    """Return the scope with `plain` values where an expression reads them, so that text around them is one, too."""
    found: dict[str, Any] = {}
    for root, path in {(each.root, each.path[:1]) for each in references}:
        value = found.get(root, scope.get(root))
        if isinstance(value, dict) and type(value).__getitem__ is not dict.__getitem__:
            continue  # a table that finds entries in a way of its own
        if isinstance(value, Lazy):
            found[root] = Lazy(partial(_plain_value, value))
            continue
        if not path or not isinstance(value, Mapping):
            short = plain(value)
        else:
            each = value.get(path[0])
            member = plain(each)
            short = value if member is each else _with(value, {path[0]: member})
        if short is not value:
            found[root] = short
    return {**scope, **found} if found else scope


def _plain_value(value: Lazy) -> Any:
    return plain(value.value())


def _shortest(value: Decimal) -> Decimal:
    """Return an equal number without trailing zeros. (`normalize` would round to the digits of the context.)"""
    if not value.is_finite():
        return value
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    if not kept:
        return Decimal(0)
    if kept == text:
        return value
    return Decimal((sign, tuple(map(int, kept)), int(exponent) + len(text) - len(kept)))


def _with(value: Mapping[str, Any], changed: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return a copy of an object, of its own kind, with other members."""
    made: Any = copy.copy(value) if isinstance(value, dict) else dict(value)
    made.update(changed)
    return made  # type: ignore[no-any-return]
