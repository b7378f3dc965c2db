"""Implications of a condition: another one is true, false, or either while it holds.

Only what can be read off their text is known: the same comparison, that one denied, comparisons of the same thing with
other values that are written out, ranges of numbers among them, `is none`, parts of `and` and `or`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from runner.template import Node, path_of

Atom = tuple[Any, ...]
"""A part of a condition that is true or false as a whole, whatever its place in a text."""

Facts = Mapping[Atom, bool]

NOTHING: Facts = {}

_Bound = tuple[Decimal | int, int]
"""A number, and -1 or 1 for what is right below or above it."""

_INFINITE = Decimal("Infinity")

_DENIED = {"!=": "==", ">=": "<", "<=": ">", "not in": "in"}


def facts_of(node: Node, *, holds: bool = True) -> Facts:
    """Return the facts where a condition holds, or where it does not."""
    return dict(_facts(node, holds))


def verdict(node: Node, facts: Facts) -> bool | None:
    """Return the verdict on a condition by the known facts; None where it may or may not hold."""
    if node.kind == "not":
        inner = verdict(node.parts[0], facts)
        return None if inner is None else not inner
    if node.kind in ("and", "or"):
        ends = node.kind == "or"
        verdicts = [verdict(part, facts) for part in node.parts]
        return (
            ends
            if ends in verdicts
            else facts.get(_atom(node)[0])
            if None in verdicts
            else not ends
        )
    atom, right = _atom(node)
    known = _known(atom, facts)
    return None if known is None else known is right


def present(path: tuple[str | int, ...], facts: Facts) -> bool:
    """Return whether the value at a path is known to be present."""
    return facts.get(("none", path)) is False or facts.get(("true", path)) is True


def _facts(node: Node, holds: bool) -> Iterator[tuple[Atom, bool]]:  # noqa: FBT001 - what is said of the node
    if node.kind == "not":
        yield from _facts(node.parts[0], not holds)
        return
    if node.kind == ("and" if holds else "or"):
        for part in node.parts:
            yield from _facts(part, holds)
    atom, right = _atom(node)
    yield atom, holds is right
    if (
        holds and right and atom[0] in ("true", "equal")
    ):  # null is neither true nor equal to anything else
        yield ("none", atom[1]), False


def _known(atom: Atom, facts: Facts) -> bool | None:
    if atom in facts:
        return facts[atom]
    kind, of, *_ = atom
    ranged = _in_range(atom, facts)
    if ranged is not None:
        return ranged
    equal = [other[2] for other, true in facts.items() if true and other[:2] == ("equal", of)]
    if kind == "literal":
        return bool(of)
    if kind == "none" and equal:
        return False
    if kind == "equal" and (equal or facts.get(("none", of))):  # it is another value
        return False
    if kind == "true" and (equal or facts.get(("none", of))):
        return bool(equal) and bool(equal[0])
    return None


def _in_range(atom: Atom, facts: Facts) -> bool | None:
    """Return the same by what is known of the range of a number; a value that was compared with one is not null."""
    kind, of, *_ = atom
    bounds = [
        _bounds(other[0], other[2], holds=holds)
        for other, holds in facts.items()
        if _is_bound(other, of, holds)
    ]
    if not bounds:
        return None
    if kind == "none":
        return False
    if kind not in ("under", "over", "equal") or not _is_number(atom[2]):
        return None
    least, most = _bounds(kind, atom[2], holds=True)
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if least <= low and high <= most:
        return True
    return False if high < least or most < low else None


def _is_bound(atom: Atom, of: Any, holds: bool) -> bool:  # noqa: FBT001 - what is said of the atom
    ranging = atom[0] in ("under", "over") or (atom[0] == "equal" and holds and _is_number(atom[2]))
    return ranging and atom[1] == of


def _bounds(kind: str, value: Decimal | int, *, holds: bool) -> tuple[_Bound, _Bound]:
    """Return the least and the greatest value of a number that is under, over or at a value, or is not."""
    if kind == "equal":
        return (value, 0), (value, 0)
    if (kind == "under") is holds:
        return (-_INFINITE, 0), (value, -1 if holds else 0)
    return (value, 1 if holds else 0), (_INFINITE, 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _number(node: Node) -> Decimal | int | None:
    """Return a number that is written out, with its sign."""
    if node.kind == "operation" and node.value in ("-", "+") and len(node.parts) == 1:
        inner = _number(node.parts[0])
        return None if inner is None else -inner if node.value == "-" else inner
    return node.value if node.kind == "literal" and _is_number(node.value) else None


def _atom(node: Node) -> tuple[Atom, bool]:
    """Return a condition as one that is the same for all ways to write it, and whether it has to be true or false."""
    if node.kind == "literal":
        return ("literal", node.value), True
    if node.kind == "test" and node.value == "none":
        return ("none", _shape(node.parts[0])), True
    if node.kind == "compare" and len(node.value) == 1:
        return _comparison(node)
    return ("true", _shape(node)), True


def _comparison(node: Node) -> tuple[Atom, bool]:
    (operator,) = node.value
    left, right = node.parts
    holds = operator not in _DENIED
    operator = _DENIED.get(operator, operator)
    if operator == "==":
        if left.kind == "literal":
            left, right = right, left
        if right.kind != "literal":
            return ("same", *sorted((_shape(left), _shape(right)), key=repr)), holds
        if right.value is None:
            return ("none", _shape(left)), holds
        return ("equal", _shape(left), right.value), holds
    if operator == ">":
        operator, left, right = "<", right, left
    low, high = _number(left), _number(right)
    if operator == "<" and (low is None) != (high is None):
        return (
            ("under", _shape(left), high) if low is None else ("over", _shape(right), low)
        ), holds
    return (operator, _shape(left), _shape(right)), holds


def _shape(node: Node) -> Any:
    """Return a node without its place."""
    return path_of(node) or (node.kind, repr(node.value), *map(_shape, node.parts))
