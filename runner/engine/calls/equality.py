"""Equal by value: a request beside the one that was sent, whatever file and spelling its values came from this time.

sent            now             equal
8.40            8.4             yes, exactly
"PO-1"          "PO-1 "         yes: one canonical text
"8.40"          "8.4"           no; yes where the recipe writes a number into that text
true            "true"          no
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from runner.catalogue import Operation, Request, decode_form, parse_json, without_sent
from runner.journal import CallRecord
from runner.keys import canonical, canonical_shared, is_address, look_alike
from runner.problems import WITHHELD
from runner.recipe.model import Recipe, Step
from runner.template import Reference, references_in

_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_NAMED = frozenset(
    ("company", "business", "customer", "client", "account", "organization", "organisation")
)
"""Things whose names identify them."""

_NUMBER = re.compile(r"[0-9]+\.[0-9]+|[0-9]+")


class Difference(NamedTuple):
    """A place in a body, dotted, with what was sent there and what is to be sent now; None where nothing is."""

    place: str
    before: Any
    after: Any


def has_same_head(prior: CallRecord, request: Request, operation: Operation) -> bool:
    """Return whether method, path and headers are those that were sent: the digest of the old body under them tells.

    Credentials are not kept, but in journals of earlier versions: the old body has to be that with the new ones.
    """
    kept = without_sent(operation, _parsed(prior.body, request, operation))
    if WITHHELD not in str(kept):
        return prior.digest == request.digest(prior.body)
    whole = replace(request, body=_with_credentials(kept, request.body))
    return prior.digest == request.digest(whole.text)


def differences(
    prior: CallRecord, request: Request, operation: Operation, *, numbers: frozenset[str] = frozenset()
) -> list[Difference]:  # fmt: skip
    """Return where the body of a request differs by value from the one that was sent, its credentials apart."""
    before, after = (
        without_sent(operation, _parsed(text, request, operation))
        for text in (prior.body, request.text or "")
    )
    return [
        each for each in _differences(before, after, "")
        if not (re.split(r"[.\[]", each.place, maxsplit=1)[0] in numbers and _same_text(each.before, each.after))
    ]  # fmt: skip


def _parsed(text: str, request: Request, operation: Operation) -> Any:
    """Return the text of a body as plain data."""
    if request.form:
        return decode_form(text.encode(), operation.body or {})
    return parse_json(text.encode() or b"{}")


def _with_credentials(kept: Any, sent: Any) -> Any:
    """Return plain data with what is sent now in the place of each credential."""
    if isinstance(kept, Mapping) and isinstance(sent, Mapping):
        return {name: _with_credentials(each, sent.get(name)) for name, each in kept.items()}
    if isinstance(kept, list) and isinstance(sent, list) and len(kept) == len(sent):
        return [_with_credentials(*pair) for pair in zip(kept, sent, strict=True)]
    return sent if kept == WITHHELD and sent is not None else kept


def body_differences(before: Any, after: Any) -> list[Difference]:
    """Return where two bodies, as plain data, differ by value. Raises Undecided where a value is not known."""
    return list(_differences(before, after, ""))


def is_another(difference: Difference) -> bool:
    """Return whether what differs names a thing: a company of another name is another company.

    Those are fields called name or company, or the name of a company, business, customer, client, account or
    organization; those of persons are not, nor are addresses. Names that look alike are the same.
    """
    words = _WORDS.findall(re.split(r"[.\[]", difference.place)[-1].replace("_", " "))
    field = [word.lower() for word in words]
    names = field == ["name"] or (field[-1:] == ["name"] and field[-2:-1] and field[-2] in _NAMED)
    before, after = difference.before, difference.after
    if not (names or field == ["company"]) or not isinstance(before, str | None):
        return False
    if before is None or not isinstance(after, str):
        return False
    return look_alike(before) != look_alike(after)


def is_named_by(body: Any, value: str) -> bool:
    """Return whether a body has the e-mail address that rows share it by: that names it, and no name beside it."""
    if not is_address(value) or not isinstance(body, Mapping):
        return False
    return any(isinstance(each, str) and canonical_shared(each) == value for each in body.values())


def numbers_in_texts(step: Step, recipe: Recipe) -> frozenset[str]:
    """Return the arguments of a step that are made of decimals, which a text may write with zeros at their end."""
    columns = recipe.rows.columns if recipe.rows is not None and step.inside is None else ()
    variables = recipe.vars if step.inside is None else step.inside.vars
    decimals = {column.name for column in columns if column.type == "decimal"}
    decimals |= {f"vars.{name}" for name, var in variables.items() if _is_decimal(var.type, var.default)}  # fmt: skip
    if not decimals or not isinstance(step.arguments, Mapping):
        return frozenset()

    def reads(reference: Reference) -> bool:
        if reference.root == "vars":
            return bool(reference.path) and f"vars.{reference.path[0]}" in decimals
        return any(part in decimals for part in reference.path)

    return frozenset(
        name for name, tree in step.arguments.items() if any(map(reads, references_in(tree)))
    )


def _is_decimal(kind: str, default: Any) -> bool:
    return kind == "decimal" or (not kind and isinstance(default, Decimal))


def same_value(before: Any, after: Any) -> bool:
    """Return whether two values are one: numbers exactly, texts in their canonical form, all else as it is."""
    if isinstance(before, str) and isinstance(after, str):
        return before == after or canonical(before) == canonical(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return all(same_value(before.get(name), after.get(name)) for name in {*before, *after})
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(same_value, before, after))
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    return bool(before == after)


def _differences(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{path}.{name}" if path else name
            yield from _differences(before.get(name), after.get(name), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, f"{path}[{position}]")
    elif not same_value(before, after):
        yield Difference(path, before, after)


def _same_text(before: Any, after: Any) -> bool:
    """Return whether two texts differ in how their numbers are written only."""
    if not (isinstance(before, str) and isinstance(after, str)):
        return False
    one, other = canonical(before), canonical(after)
    return _NUMBER.split(one) == _NUMBER.split(other) and all(
        Decimal(a) == Decimal(b)
        for a, b in zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    )
