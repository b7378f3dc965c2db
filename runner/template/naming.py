"""Conditions that name an element by a value beside it, and those that are true of anybody's since that value is none.

item.reference == row.ref                  names it; of an empty cell nothing
item.status == vars.status                 tells what is meant, and names nothing
item.paid and item.reference == row.ref    names it by its second side
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.template.tree import Node, paths_of
from runner.template.values import EvaluationError, Lazy, Scope, Unknown, is_blank

if TYPE_CHECKING:
    from runner.template.blocks import Expressed

ITEM = frozenset({"item"})
_OF_THE_RUN = frozenset({"vars", "run"})
"""Names whose values are those of all rows, and tell none from another."""

GIVE_IT_ONE = "give it one, or skip the step with `when`"


def nothing_named(text: str, value: str = "") -> str:
    """Say that what an expression compares an element with has no value."""
    what = f"{' '.join(text.split())} compares with{f', {value},' if value else ''} has no value"
    return f"what {what}, and it finds what is not meant; {GIVE_IT_ONE}"


def may_be_blank(of: Expressed, scope: Scope) -> str:
    """Say how a condition is written that counts only where there is a value; empty where none compares with one."""
    for node in of.tree.walk():
        if node.kind != "compare":
            continue
        for path in paths_of(node):
            if len(path) > 1 and path[0] == "row" and is_blank(_at(scope, path)):
                written = " ".join(of.text[node.offset : node.offset + node.length].split())
                return f"`not {'.'.join(map(str, path))} or {written}`"
    return ""


class Naming:
    """A condition about `elements`, the names that it has for one.

    `search`: what it finds is searched for. Then zero, true and false name none, and a variable that is left out does
    not leave the condition out, as in `not vars.client or item.client == vars.client`.
    """

    def __init__(
        self, of: Expressed, scope: Scope, *, elements: Collection[str] = ITEM, search: bool = True
    ) -> None:
        self._of, self._scope, self._elements, self._search = of, scope, elements, search

    def names(self) -> bool | None:
        """Tell whether it names an element; None where it compares with no value that would, and is not of blanks."""
        tree = self._of.tree
        named = self._named(tree)
        if named is None and self._names_nothing(tree):
            return None if any(map(self._is_left_out, tree.walk())) else False
        return named

    def _named(self, node: Node) -> bool | None:
        """Tell whether a node names an element by a value beside it; None where it compares with no such value.

        With `or` each side has to, with `and` one, unless another is true of every text, as `'' in item.notes` is.
        """
        if node.kind not in ("and", "or"):
            return self._compared(node)
        if self._is_left_out(node):
            return None
        found = [self._named(part) for part in node.parts]
        if False in found and (node.kind == "or" or any(map(self._takes_all, node.parts))):
            return False
        if node.kind == "or":
            return None if None in found else True
        if True in found:
            return True
        return None if found.count(None) == len(found) else False

    def _compared(self, node: Node) -> bool | None:
        if not self._is_asked(node) or not list(self._beside(node)):
            return None
        if self._names_nothing(node):
            return False
        own = {path[0] for path in paths_of(node)} - set(self._elements) - _OF_THE_RUN
        return True if own else None

    def _is_left_out(self, node: Node) -> bool:
        """Tell whether a side of an `or` is true of every element, by the variables of the run."""
        if self._search or node.kind != "or":
            return False
        sides = [side for side in node.parts if {path[0] for path in paths_of(side)} <= _OF_THE_RUN]
        return any(map(self._holds, sides))

    def _holds(self, node: Node) -> bool:
        if node.kind == "not":
            return not self._holds(node.parts[0])
        if node.kind in ("and", "or"):
            return (all if node.kind == "and" else any)(map(self._holds, node.parts))
        value = self._of.part(node).evaluate(self._scope)
        return not isinstance(value, Unknown) and bool(value)

    def takes_all(self) -> bool:
        """Tell whether it, or a side of it, is true of every text or list, since that is searched for nothing."""
        return self._takes_all(self._of.tree)

    def _is_said(self, node: Node) -> bool:
        """Tell whether a side of an `or` says that a value is left out, as `not row.b or ...` where there is none."""
        return not self._is_asked(node) and bool(paths_of(node)) and self._holds(node)

    def _is_asked(self, node: Node) -> bool:
        return any(len(path) == 1 and path[0] in self._elements for path in paths_of(node))

    def _takes_all(self, node: Node) -> bool:
        """Tell whether a part of a condition looks into a text, or a list, for what has no value."""
        if node.kind == "or" and any(map(self._is_said, node.parts)):
            return False
        if node.kind in ("and", "or"):
            return any(map(self._takes_all, node.parts))
        if (
            node.kind == "compare" and "in" in node.value
        ):  # of what is looked into, all that is blank is equal
            pairs = zip(node.value, node.parts, strict=False)
            wanted = [one for sign, one in pairs if sign == "in" and not self._is_asked(one)]
            return any(map(self._names_nothing, wanted))
        is_prefix = node.kind == "call" and node.value in ("startswith", "endswith")
        return is_prefix and any(map(self._names_nothing, node.parts[1:]))

    def _names_nothing(self, node: Node) -> bool:
        """Tell whether all that a node reads beside the element has no value, or one that is no name.

        So it is where a side of a comparison that does not read the element comes to nothing.
        """
        while node.kind == "not":
            node = node.parts[0]
        asks = node.kind in ("compare", "call", "filter", "test") and self._is_asked(node)
        sides = node.parts if asks else (node,)
        own = [side for side in sides if not self._is_asked(side) and paths_of(side)]
        if any(self._of.part(side).comes_to_nothing(self._scope) for side in own):
            return True  # what is left of it, as after `replace`
        values = list(self._beside(node))
        return bool(values) and all(map(self._is_no_name, values))

    def _is_no_name(self, value: Any) -> bool:
        if isinstance(value, bool | int | Decimal):
            return self._search and (isinstance(value, bool) or not value)
        return is_blank(value)

    def _beside(self, node: Node) -> Iterator[Any]:
        return _beside(node, self._scope, self._elements)


def _beside(node: Node, scope: Scope, elements: Collection[str]) -> Iterator[Any]:
    """The values that a node reads beside the element, but for those that cannot be computed."""
    paths = paths_of(node)
    inner = {path[:-1] for path in paths}
    for path in paths:
        if path[0] not in elements and path[0] in scope and path not in inner:
            with suppress(EvaluationError):  # as the condition itself is going to say
                yield from _values_at(scope, path, elements)


def _values_at(scope: Scope, path: Sequence[str | int], elements: Collection[str]) -> Iterator[Any]:
    """The value at a path; of a text that `let` puts together, the values that it is made of."""
    value, named = _at(scope, path), scope[str(path[0])]
    source = named.source if isinstance(named, Lazy) and isinstance(value, str) else None
    behind = list(_beside(source[0].tree, source[1], elements)) if source is not None else []
    yield from behind or [value]


def _at(scope: Scope, path: Sequence[str | int]) -> Any:
    """What stands at a path of a scope, as far as plain data leads."""
    value: Any = scope
    for part in path:
        if not isinstance(value, Mapping):
            break
        try:
            value = value[part]  # a column whose lines differ raises EvaluationError
        except KeyError:
            return None
        value = value.value() if isinstance(value, Lazy) else value
    return value
