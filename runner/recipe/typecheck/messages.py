"""Type errors in an expression: findings with their place in its text, and their wording."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import NamedTuple

from runner.recipe.typecheck.types import BOOLEAN, DATE, LIST, NUMBERS, OBJECT, STRING, TEXTS, Type
from runner.template import Node


class Finding(NamedTuple):
    """One finding: where in the text of the expression, what is wrong, and what to do about it."""

    offset: int
    length: int
    message: str
    kind: str
    remedy: str = ""
    severity: str = "error"


class Findings:
    """The findings of one expression, whose `text` the messages quote.

    `skipped`: whether a step may have no result without anything being said, as in an output, which is empty then.
    """

    def __init__(self, text: str, *, skipped: bool = False) -> None:
        self.text, self.skipped = text, skipped
        self.found: list[Finding] = []

    @property
    def wrong(self) -> bool:
        """True where a finding is an error: the expression can never work."""
        return any(finding.severity == "error" for finding in self.found)

    def quoted(self, node: Node) -> str:
        """Return a part of the expression as messages name it."""
        text = " ".join(self.text[node.offset : node.offset + node.length].split())
        return f"{text[:37]}..." if len(text) > 40 else text

    def add(
        self, node: Node, message: str, kind: str, *, remedy: str = "", sure: bool = True
    ) -> None:
        """Note what is wrong with a part. What is not sure is a warning."""
        severity = "error" if sure else "warning"
        self.found.append(Finding(node.offset, node.length, message, kind, remedy, severity))

    def absent(self, node: Node, type_: Type, then: str) -> None:
        """Note that a part may be null, and what happens then."""
        if type_.absent is not None and not (self.skipped and type_.absent.of_step):
            message = f"{type_.absent.reason}, {then}"
            self.add(node, message, "may-be-null", remedy=type_.absent.remedy, sure=False)

    def missing(self, node: Node, type_: Type) -> None:
        """Note that a part may not be there at all."""
        if type_.missing is not None:
            self.add(
                node,
                type_.missing.reason,
                "may-be-missing",
                remedy=type_.missing.remedy,
                sure=False,
            )

    def need(self, node: Node, type_: Type, kinds: Collection[str], *, where: str) -> bool:
        """Note when a part is not what `where` needs: never (an error), or not where it is null (a warning)."""
        if not type_.can_be(kinds):
            message = f"{where} needs {_words(kinds)}, and {self.quoted(node)} is {type_}"
            advice = _rewritten(node, kinds) or remedy(type_, kinds)
            self.add(node, message, "wrong-type", remedy=advice, sure=type_.sure)
            return False
        self.absent(node, type_, f"and {where} needs {_words(kinds)}")
        return True

    def text_of(self, node: Node, type_: Type) -> None:
        """Note when a part cannot stand inside text."""
        if not type_.can_be(TEXTS):
            message = f"{self.quoted(node)} is {type_}, which cannot stand inside text"
            self.add(node, message, "wrong-type", remedy=remedy(type_, TEXTS), sure=type_.sure)
        else:
            self.absent(node, type_, "and null has no text")


def remedy(type_: Type, kinds: Collection[str]) -> str:
    """Return the conversion of a value to the needed type, where there is one."""
    wanted = set(kinds)
    if wanted >= TEXTS and type_.can_be({LIST, OBJECT}):
        return _for_text(type_)
    if type_.column and type_.kinds <= {STRING, "null"} and wanted & (NUMBERS | {DATE}):
        kind = "decimal" if wanted & NUMBERS else "date"
        return f"give the column its type: {type_.column}: {{type: {kind}}}"
    if type_.solid == {STRING} and wanted <= NUMBERS:
        return "make it a number: | decimal, or | int"
    if type_.solid <= NUMBERS | {BOOLEAN} and STRING in wanted and not wanted & type_.solid:
        return "make it text: | text"
    if type_.solid == {DATE} and wanted == {STRING}:
        return "write it as text: | date('%Y-%m-%d')"
    if type_.column and wanted == {DATE} and type_.solid and not type_.can_be({LIST, OBJECT}):
        return f"give the column its type: {type_.column}: {{type: date}}"
    if type_.solid == {DATE} and wanted & NUMBERS:
        return "take a part of it: | date('%Y') | int; or use something that is a number"
    if type_.solid == {OBJECT} and not wanted & {LIST, OBJECT}:
        return _for_text(type_)
    if wanted == {LIST} and type_.kinds and not type_.solid:
        return "go through a list that is there then"
    if wanted == {LIST} and type_.solid == {STRING}:
        return (
            "let the column make a list of its cells, as in {split: ';'}; or put it in one: [ ... ]"
        )
    lists = (
        [name for name in type_.fields if type_.fields[name].solid == {LIST}]
        if wanted == {LIST}
        else []
    )
    return f"say which list, as in .{lists[0]}" if lists else ""


def _rewritten(node: Node, kinds: Collection[str]) -> str:
    """Return a literal value in the form of the needed type."""
    if node.kind != "literal" or isinstance(node.value, bool):
        return ""
    if isinstance(node.value, str) and node.value.isdecimal() and set(kinds) >= NUMBERS:
        return f"drop the quotes: {node.value}"
    return (
        f"quote it: '{node.value}'"
        if isinstance(node.value, int | Decimal) and STRING in kinds
        else ""
    )


def _for_text(type_: Type) -> str:
    if type_.can_be({"list"}):
        return "say which element, as in [0], or join them: | join(', ')"
    names = list(type_.fields)
    shown = next(
        (name for name in ("id", "name", "number") if name in names), names[0] if names else ""
    )
    return f"say which field, as in .{shown}" if shown else "say which field"


def _words(kinds: Iterable[str]) -> str:
    return str(Type(frozenset(kinds)))
