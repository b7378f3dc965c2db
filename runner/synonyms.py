"""Synonyms in names, for suggestions: `list_payments`, `clientId` or `company` in place of a known name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SAME = (
    "create add make new post insert",
    "search list find query all select",
    "get read fetch show retrieve",
    "update edit modify change set patch put",
    "client customer company business account organization",
    "contact person",
    "quantity qty count pieces",
    "price rate",
    "order po",
    "number no num nr",
    "notes note comment comments memo remark remarks",
    "email mail",
    "phone telephone tel mobile",
    "zip postcode postal",
    "state province region",
    "address street address1",
    "date day",
    "status stage",
    "type kind method",
    "reference ref",
    "description title subject",
    "supplier vendor",
    "line item",
    "payment pay deposit",
    "salesorder sale",
)
"""Synonyms by line; the first word of a line represents all of them."""

_FIRST = {word: line.split()[0] for line in _SAME for word in line.split()}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_SHOWN = 3
"""Maximum number of suggestions: more are no help."""


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in the singular, each as the first of its synonyms: client, id for clientId."""
    return tuple(_plain(word.lower()) for word in _WORD.findall(name))


def _plain(word: str) -> str:
    if word in _FIRST:
        return _FIRST[word]
    single = word[:-1] if word.endswith("s") and not word.endswith("ss") else word
    return _FIRST.get(single, single)


def meant(name: str, known: Mapping[str, str], *, partly: bool = False) -> list[str]:
    """Return the `known` names closest in meaning to `name`; none if nothing is close, or too many are.

    `known` maps names to their descriptions. `partly`: a common word is enough, if there is no better match.
    """
    given = words(name)
    scores = {other: _likeness(given, name, other, about) for other, about in known.items()}
    if partly and not any(scores.values()):
        scores = {other: _shared(given, words(other)) for other in known}
    best = max(scores.values(), default=0)
    closest = sorted(other for other, score in scores.items() if score == best)
    return closest if best and len(closest) <= _SHOWN else []


def _shared(given: tuple[str, ...], own: tuple[str, ...]) -> float:
    """The number of words that two names share; none where most of the other's are its own."""
    shared = len({*given} & {*own} - {"id"})
    ends = given[-1:] == own[-1:]
    return shared + ends / 2 if shared and shared * 2 >= len({*own} - {"id"}) else 0


def _likeness(given: tuple[str, ...], name: str, other: str, about: str) -> float:
    """Return a score of the likeness of `name`, with the words `given`, to the name `other`."""
    own = words(other)
    if not given or not own or given == ("id",):
        return 0
    described = {*given} <= {*words(about)} and name.lower() in about.lower()
    if {*given} <= {*own} and len({*given}) * 2 >= len({*own} - {"id"}):
        same_end = given[-1] == own[-1]
        return 2 + same_end + len({*given}) / len({*own}) + described / 2
    if described and len(given) == 1:
        return 2
    return 0


def among(names: Iterable[str]) -> str:
    """Return names as a remedy: did you mean 'a' or 'b'?"""
    *most, last = map(repr, names)
    return f"did you mean {', '.join(most)} or {last}?" if most else f"did you mean {last}?"
