"""Fields of answers and requests that are credentials, by the document or by their name: never kept or shown.

A document says so with `format: password`, `writeOnly` or `x-runner-secret: true`, and with `x-runner-secret: false`
that a field which is called like one is none. What names the object that a write has made is none either. In a request
`writeOnly` says nothing: much that is only written is no credential.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Literal

from runner.catalogue.operation import Operation
from runner.catalogue.paging import Page
from runner.problems import WITHHELD
from runner.template import Unknown

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

_WORDS_OF_SECRETS = frozenset(
    ("token", "secret", "password", "passwd", "passphrase", "pwd", "jwt", "credential", "credentials")
)  # fmt: skip
"""Words that make the name of a variable that of a credential."""

_OWN_NAMES = ("client_token", "clientToken", "ClientToken")
"""Names under which a request says which one it is, so that it is carried out once."""

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
def is_called_so(name: str) -> bool:
    """Return whether a name is that of a credential: a password, a token, a key."""
    return _JOINTS.sub("", name).lower() in _NAMES


def is_secret_variable(name: str) -> bool:
    """Return true if a recipe's variable has a name of a credential, in one of its words or in all of them."""
    return is_called_so(name) or not _WORDS_OF_SECRETS.isdisjoint(name.split("_"))


def without_credentials(
    operation: Operation, value: Any, *, put: Callable[[Any], Any] = lambda _: WITHHELD
) -> Any:
    """The answer of an operation with what `put` gives in the place of each credential. Lists and pages as well."""
    said = _said_of("answer", operation)

    def is_credential(name: str) -> bool:
        if name == operation.id_field:
            return False
        return said[name] if name in said else is_called_so(name)

    if isinstance(value, Page):
        return value._replace(items=_cleaned(value.items, is_credential, put))
    return _cleaned(value, is_credential, put)


def without_sent(
    operation: Operation, body: Any, *, put: Callable[[Any], Any] = lambda _: WITHHELD
) -> Any:
    """The body of a request with what `put` gives in the place of each credential; itself where it has none."""
    said = _said_of("body", operation)
    found = False

    def is_credential(name: str) -> bool:
        nonlocal found
        secret = said[name] if name in said else is_called_so(name) and name not in _OWN_NAMES
        found = found or secret
        return secret and name != operation.money

    cleaned = _cleaned(body, is_credential, put)
    return cleaned if found else body


def credentials_in(operation: Operation, value: Any) -> list[str]:
    """The credentials that an answer has brought, as texts."""
    found: list[str] = []

    def note(each: Any) -> Any:
        found.append(str(each))
        return each

    without_credentials(operation, value, put=note)
    return found


def credentials_sent(operation: Operation, arguments: Mapping[str, Any]) -> list[str]:
    """The credentials among the arguments of a request, as texts, but for those that it says elsewhere, too."""
    found: list[str] = []

    def note(each: Any) -> None:
        found.append(str(each))

    rest = set(_texts(without_sent(operation, arguments, put=note)))
    return [each for each in found if each not in rest]


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _texts(each)
    elif isinstance(tree, str):
        yield tree


def _cleaned(
    tree: Any, is_credential: Callable[[str], bool], put: Callable[[Any], Any], *, inside: bool = False
) -> Any:  # fmt: skip
    """Plain data with what `put` gives in the place of each credential; what is empty or not known stays."""
    cleaned = partial(_cleaned, is_credential=is_credential, put=put)
    if isinstance(tree, Mapping):
        return {
            name: cleaned(each, inside=inside or is_credential(str(name)))
            for name, each in tree.items()
        }
    if isinstance(tree, list):
        return [cleaned(each, inside=inside) for each in tree]
    if not inside or isinstance(tree, bool | Unknown) or not tree:
        return tree
    return put(tree)


_known: dict[tuple[str, int], tuple[Operation, Mapping[str, bool]]] = {}


def _said_of(part: Literal["answer", "body"], operation: Operation) -> Mapping[str, bool]:
    """What the document of an operation says of the fields of its answer or its body, by their names."""
    known = _known.get((part, id(operation)))
    if known is None:  # the operation is kept with it, so that its id stays its own
        schema = operation.answer if part == "answer" else operation.body
        said = dict(_declared(schema or {}, write_only=part == "answer"))
        known = _known[part, id(operation)] = operation, said
    return known[1]


def _declared(schema: Any, *, write_only: bool) -> Iterator[tuple[str, bool]]:
    if not isinstance(schema, Mapping):
        return
    for group in _COMPOSED:
        fields = schema.get(group)
        for name, field in fields.items() if isinstance(fields, Mapping) else ():
            if isinstance(field, Mapping):
                if isinstance(said := field.get("x-runner-secret"), bool):
                    yield name, said
                elif field.get("format") == "password" or (
                    write_only and field.get("writeOnly") is True
                ):
                    yield name, True
                yield from _declared(field, write_only=write_only)
    for key in _NESTED:
        inner = schema.get(key)
        for each in inner if isinstance(inner, list) else [inner]:
            yield from _declared(each, write_only=write_only)
