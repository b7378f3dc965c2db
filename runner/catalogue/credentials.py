"""Fields of answers that are credentials, by the document that describes them or by their name: never kept or shown.

A document says so with `format: password`, `writeOnly` or `x-runner-secret: true`, and with `x-runner-secret: false`
that a field which is called like one is none. What names the object that a write has made is none either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from runner.catalogue.operation import Operation
from runner.catalogue.paging import Page

WITHHELD = "*** (a credential, not kept)"
"""Stands in the journal in the place of a credential. No request may hold it."""

_OF_TOKENS = (
    "", "access", "refresh", "id", "auth", "api", "session", "security", "bearer", "csrf", "xsrf", "client", "user",
)  # fmt: skip
_OF_SECRETS = (*_OF_TOKENS, "shared", "webhook", "consumer", "signing")
_OF_KEYS = ("api", "xapi", "secret", "private", "signing", "session", "secretaccess", "encryption")
_NAMES = frozenset(
    {f"{each}token" for each in _OF_TOKENS}
    | {f"{each}secret" for each in _OF_SECRETS}
    | {f"{each}key" for each in _OF_KEYS}
    | {"password", "passwd", "passphrase", "pwd", "userpassword", "newpassword", "jwt", "bearer"}
    | {"authorization", "credential", "credentials", "session", "sessionid", "cookie", "setcookie"}
)
"""Names of credentials in lower case, without what joins their words."""

_JOINTS = re.compile(r"[-_.\s]+")
_COMPOSED = ("properties", "patternProperties", "$defs")
_NESTED = (
    "items",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "then",
    "else",
    "prefixItems",
)


@cache
def _is_called_so(name: str) -> bool:
    return _JOINTS.sub("", name).lower() in _NAMES


def without_credentials(
    operation: Operation, value: Any, *, put: Callable[[Any], Any] = lambda _: WITHHELD
) -> Any:
    """The answer of an operation with what `put` gives in the place of each credential. Lists and pages as well."""
    said = _said_by(operation)

    def cleaned(tree: Any, *, inside: bool) -> Any:
        if isinstance(tree, Mapping):
            return {
                name: cleaned(each, inside=inside or is_credential(name))
                for name, each in tree.items()
            }
        if isinstance(tree, list):
            return [cleaned(each, inside=inside) for each in tree]
        if inside and tree and not isinstance(tree, bool):
            return put(tree)
        return tree

    def is_credential(name: Any) -> bool:
        name = str(name)
        if name == operation.id_field:
            return False
        return said[name] if name in said else _is_called_so(name)

    if isinstance(value, Page):
        return value._replace(items=cleaned(value.items, inside=False))
    return cleaned(value, inside=False)


def credentials_in(operation: Operation, value: Any) -> list[str]:
    """The credentials that an answer has brought, as texts."""
    found: list[str] = []

    def note(each: Any) -> Any:
        found.append(str(each))
        return each

    without_credentials(operation, value, put=note)
    return found


_known: dict[int, tuple[Operation, Mapping[str, bool]]] = {}


def _said_by(operation: Operation) -> Mapping[str, bool]:
    """What the document of an operation says of the fields of its answer, by their names."""
    known = _known.get(id(operation))
    if known is None:  # the operation is kept with it, so that its id stays its own
        known = _known[id(operation)] = operation, dict(_declared(operation.answer or {}))
    return known[1]


def _declared(schema: Any) -> Iterator[tuple[str, bool]]:
    if not isinstance(schema, Mapping):
        return
    for group in _COMPOSED:
        fields = schema.get(group)
        for name, field in fields.items() if isinstance(fields, Mapping) else ():
            if isinstance(field, Mapping):
                if isinstance(said := field.get("x-runner-secret"), bool):
                    yield name, said
                elif field.get("format") == "password" or field.get("writeOnly") is True:
                    yield name, True
                yield from _declared(field)
    for key in _NESTED:
        inner = schema.get(key)
        for each in inner if isinstance(inner, list) else [inner]:
            yield from _declared(each)
