"""The types that operators give and need: arithmetic, `~`, comparisons and `in`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.problems import nearest
from runner.recipe.typecheck.messages import Findings, remedy
from runner.recipe.typecheck.types import (
    ANY,
    BOOLEAN,
    DATE,
    DECIMAL,
    INTEGER,
    LIST,
    NULL,
    NUMBERS,
    OBJECT,
    STRING,
    Type,
    joined,
    list_of,
    of_kind,
)
from runner.template import Node
from runner.template.texts import names_of, places

Typed = tuple[Node, Type]

_GROUPS = {STRING: "text", DATE: "date", LIST: "list", OBJECT: "object", NULL: "null"}
"""Kinds that are never equal to one of another group. Numbers are one group, and true and false count as 1 and 0."""


def operation(node: Node, operands: Sequence[Typed], findings: Findings) -> Type:
    """Return the type of `a + b` and the like, of `-a`, and of texts joined by `~`."""
    if node.value == "~":
        for part, type_ in operands:
            findings.text_of(part, type_)
        return of_kind(STRING)
    if (
        node.value == "+"
        and len(operands) == 2
        and any(_only(type_, {STRING}) for _, type_ in operands)
    ):
        return _joined_texts(operands, findings)
    if node.value == "%" and _only(operands[0][1], {STRING}) and not operands[0][1].column:
        text = operands[0][0].value if operands[0][0].kind == "literal" else ""
        if len(operands) == 2 and operands[1][1].solid == {OBJECT} and names_of(text):
            _fill_in_by_name(operands[1], text, findings)
        else:
            fill_in(operands[1:], text, findings)
        return of_kind(STRING)
    if node.value == "*" and len(operands) == 2 and _repeated(operands, findings):
        return of_kind(STRING)
    two = _OF_TWO.get(node.value, ()) if len(operands) == 2 else ()
    possible = {kind for kind in two if all(type_.can_be({kind}) for _, type_ in operands)}
    if node.value in "+-" and DATE not in possible and _only(operands[0][1], {DATE}):
        part, type_ = operands[0]
        message = f"{findings.quoted(part)} is a date, and {node.value!r} is for numbers"
        other = operands[-1][0]
        count = findings.quoted(other) if other.kind == "literal" else f"({findings.quoted(other)})"
        count = f"-{count}" if node.value == "-" else count
        advice = f"write {findings.quoted(part)} | days({count})"
        findings.add(part, message, "wrong-type", remedy=advice, sure=type_.sure)
        return of_kind(DATE)
    fine = [
        findings.need(part, type_, NUMBERS | possible, where=f"'{node.value}'")
        for part, type_ in operands
    ]
    if possible and all(_only(type_, {LIST}) for _, type_ in operands):
        return list_of(joined(type_.element for _, type_ in operands))
    days = possible and all(_only(type_, {DATE}) for _, type_ in operands)
    whole = node.value != "/" and all(_only(type_, {INTEGER}) for _, type_ in operands)
    if all(fine) and (days or whole):
        return of_kind(INTEGER)
    exact = possible <= {DATE} and any(_only(type_, {DECIMAL}) for _, type_ in operands)
    if node.value == "/" or (exact and all(fine)):
        return of_kind(DECIMAL)
    return of_kind(*NUMBERS, *(possible - {DATE}))


_OF_TWO = {"+": (STRING, LIST), "-": (DATE,), "%": (STRING,)}
"""What an operator is for beside numbers, where both sides are of that kind: dates apart are a number of days."""


def fill_in(arguments: Sequence[Typed], text: str, findings: Findings) -> None:
    """Note what cannot be put into a text; which places it has is known where it is `text`, with `%s` and `%.2f`."""
    kinds = places(text)
    if kinds and len(kinds) != len(arguments):
        part, _ = arguments[min(len(kinds), len(arguments) - 1)]
        message = f"the text has {_counted(len(kinds))}, and {_counted(len(arguments), 'value')}"
        advice = "write a %s for each value, and a list for several: [a, b]"
        findings.add(part, f"{message} to put there", "wrong-type", remedy=advice)
    for at, (part, type_) in enumerate(arguments):
        wanted = kinds[at] if at < len(kinds) else "s"
        if wanted == "s":
            findings.text_of(part, type_)
        elif wanted in "di":
            findings.need(part, type_, NUMBERS, where=f"'%{wanted}'")
        else:
            findings.need(part, type_, NUMBERS | {STRING}, where=f"'%{wanted}'")


def _fill_in_by_name(values: Typed, text: str, findings: Findings) -> None:
    """Note what an object lacks, or what of it cannot be put into a text: `'%(a)s' % {'a': 1}`."""
    node, type_ = values
    for name in names_of(text) if type_.closed else ():
        if name in type_.fields:
            findings.text_of(node, type_.fields[name])
        else:
            advice = nearest(name, type_.fields, noun="names")
            message = f"the text has a place for {name!r}, which it is not given"
            findings.add(node, message, "wrong-type", remedy=advice)


def _counted(count: int, noun: str = "place") -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _joined_texts(operands: Sequence[Typed], findings: Findings) -> Type:
    for part, type_ in operands:
        if type_.can_be({STRING}):
            findings.absent(part, type_, "and '+' needs text beside text")
            continue
        message = f"'+' cannot add {type_} to text"
        advice = remedy(type_, {STRING, *NUMBERS})
        if type_.solid == {LIST}:
            advice = _in_one_list(operands, findings)
        if type_.can_be(NUMBERS | {BOOLEAN, DATE}):
            column = next((other.column for _, other in operands if other.column), "")
            typed = (
                f"give the column its type, as in {column}: {{type: decimal}}; or "
                if column
                else ""
            )
            advice = f"{typed}put texts side by side with ~"
        findings.add(part, message, "wrong-type", remedy=advice, sure=type_.sure)
    lists = any(_only(type_, {LIST}) for _, type_ in operands)
    return list_of(ANY) if lists else of_kind(STRING)


def _in_one_list(operands: Sequence[Typed], findings: Findings) -> str:
    """Return the expression that adds a text to a list as an element."""
    parts = [
        findings.quoted(part) if type_.can_be({LIST}) else f"[{findings.quoted(part)}]"
        for part, type_ in operands
    ]
    return f"write {' + '.join(parts)}"


def _repeated(operands: Sequence[Typed], findings: Findings) -> bool:
    """Note a text that is to be repeated, `'-' * 20`: a price that is text would be no number, and no error either."""
    for (part, type_), (other, _) in (operands, operands[::-1]):
        text = part.value if part.kind == "literal" and type_.solid == {STRING} else ""
        if text and not any(map(str.isdigit, text)):
            count = other.value if other.kind == "literal" else None
            advice = f"write {{% for n in range({findings.quoted(other)}) %}}{text}{{% endfor %}}"
            if isinstance(count, int) and 0 < count * len(text) <= SHORT:
                advice = f"write it out: {text * count!r}"
            findings.add(part, "'*' does not repeat a text", "wrong-type", remedy=advice)
            return True
    return False


SHORT = 40
"""The characters of a text that a remedy writes out."""


def compare(node: Node, operands: Sequence[Typed], findings: Findings) -> Type:
    """Return the type of a comparison, which is true or false."""
    for index, operator in enumerate(node.value):
        left, right = operands[index], operands[index + 1]
        if operator in ("in", "not in"):
            _member(left, right, findings, operator)
        elif operator in ("==", "!="):
            _equal(left, right, findings, operator)
        else:
            _ordered(left, right, findings, operator)
    return of_kind(BOOLEAN)


def _equal(left: Typed, right: Typed, findings: Findings, operator: str) -> None:
    (one, first), (other, second) = left, right
    if not first.solid or not second.solid or _is_empty_cell(left, right, findings, operator):
        return
    verdict = "never true" if operator == "==" else "always true"
    sure = first.sure and second.sure
    if _groups(first).isdisjoint(_groups(second)):
        message = f"{findings.quoted(one)} is {_bare(first)} and {findings.quoted(other)} is {_bare(second)}"
        advice = same_kind(left, right, findings) or alike(first, second)
        findings.add(
            other, f"{message}: {operator!r} is {verdict}", "unlike-types", remedy=advice, sure=sure
        )
    elif first.enum and second.enum and first.enum.isdisjoint(second.enum):
        (node, odd), known = _odd_one(left, right)
        message = (
            f"{findings.quoted(node)} is none of the values there are: {operator!r} is {verdict}"
        )
        findings.add(
            node,
            message,
            "unlike-types",
            remedy=_of_values(odd, sorted(map(str, known))),
            sure=sure,
        )


def _is_empty_cell(left: Typed, right: Typed, findings: Findings, operator: str) -> bool:
    """Note where an empty text is compared with what is never one: a number, or a cell, which is null when empty."""
    empty, (node, type_) = (left, right) if left[0].kind == "literal" else (right, left)
    if empty[0].kind != "literal" or empty[0].value != "":
        return False
    text = type_.can_be({STRING})
    cell = type_.absent is not None and type_.absent.of_cell
    if text and not cell:
        return False
    what = findings.quoted(node)
    verdict = "never true" if operator == "==" else "always true"
    why = "an empty cell is null" if cell else f"{what} is {_bare(type_)}"
    advice = f"write {what} {'is none' if operator == '==' else 'is not none'}"
    findings.add(
        empty[0],
        f"{why}, and not '': {operator!r} is {verdict}",
        "unlike-types",
        remedy=advice,
        sure=type_.sure and not text,
    )
    return True


def _of_values(odd: str, known: Sequence[str]) -> str:
    """Return the intended value, or all of them; a negated value is never a match, as Unsent is not Sent."""
    meant = nearest(odd, known, noun="values")
    longer = [each for each in known if each.casefold().endswith(odd.casefold()) and each != odd]
    denied = any(
        f"did you mean {each!r}?" == meant and each.casefold() != odd.casefold() for each in longer
    )
    return f"its values: {', '.join(known[:12])}" if denied else meant


def _odd_one(left: Typed, right: Typed) -> tuple[tuple[Node, str], frozenset[Any]]:
    """Return the one of two operands that is a lone value, and the values of the other."""
    if left[0].kind == "literal":
        left, right = right, left
    known, odd = left[1].enum or frozenset(), right[1].enum or frozenset()
    return (right[0], str(min(map(str, odd)))), known


_SPELLED = {
    **dict.fromkeys(("eq", "equalto", "=="), "=="),
    **dict.fromkeys(("ne", "!="), "!="),
    **dict.fromkeys(("lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">", "ge", ">="), "<"),
}
"""The operators that tests are which compare; all that ask for an order as one of them."""


def unlike(test: str, one: Type, other: Type) -> str:
    """Return the reason why a comparing test cannot work for two types; empty where it can, or compares nothing."""
    operator = _SPELLED.get(test)
    if operator is None or not one.solid or not other.solid:
        return ""
    if operator == "<":
        fine = any(one.can_be(kinds) and other.can_be(kinds) for kinds in _COMPARABLE)
        return "" if fine else "they have no order"
    if _groups(one).isdisjoint(_groups(other)):
        return "it is never true" if operator == "==" else "it is always true"
    return ""


_COMPARABLE = ({*NUMBERS, BOOLEAN}, {STRING}, {DATE}, {LIST})
"""Kinds with an order among themselves."""


def _ordered(left: Typed, right: Typed, findings: Findings, operator: str) -> None:
    sure = left[1].sure and right[1].sure
    if any(left[1].can_be(kinds) and right[1].can_be(kinds) for kinds in _COMPARABLE):
        for node, type_ in (left, right):
            findings.absent(node, type_, f"and null cannot be compared by {operator!r}")
        return
    bare = [type_ for _, type_ in (left, right) if type_.can_be({OBJECT})]
    if bare or (
        NULL in (*left[1].kinds, *right[1].kinds) and not (left[1].solid and right[1].solid)
    ):
        node, type_ = next((each for each in (left, right) if not each[1].can_be(TOTALLY)), right)
        advice = remedy(type_, NUMBERS) if type_.can_be({OBJECT}) else ""
        message = f"{type_} cannot be compared by {operator!r}"
        findings.add(node, message, "unlike-types", remedy=advice, sure=sure)
        return
    message = f"{_bare(left[1])} cannot be compared with {_bare(right[1])} by {operator!r}"
    findings.add(right[0], message, "unlike-types", remedy=alike(left[1], right[1]), sure=sure)


TOTALLY = frozenset({*NUMBERS, BOOLEAN, STRING, DATE, LIST})
"""Kinds with an order."""


def _member(left: Typed, right: Typed, findings: Findings, operator: str) -> None:
    (one, first), (other, second) = left, right
    if not second.can_be({STRING, LIST, OBJECT}):
        message = f"{operator!r} looks into text, a list or an object, and {findings.quoted(other)} is {second}"
        findings.add(other, message, "wrong-type", remedy="compare with ==", sure=second.sure)
        return
    findings.absent(other, second, f"and {operator!r} cannot look into null")
    sure = first.sure and second.sure
    if second.solid == {STRING} and not first.can_be({STRING}):
        message = f"{operator!r} looks for text in text, and {findings.quoted(one)} is {first}"
        findings.add(
            one,
            message,
            "wrong-type",
            remedy=remedy(first, {STRING}) or "make it text: | text",
            sure=sure,
        )
    elif second.solid == {STRING}:
        findings.absent(one, first, f"and {operator!r} looks for text")
    elif second.solid == {LIST} and first.solid and second.element.solid:
        verdict = "never true" if operator == "in" else "always true"
        if _groups(first).isdisjoint(_groups(second.element)):
            message = f"{findings.quoted(one)} is {_bare(first)} and the list holds {_bare(second.element)}"
            advice = "put its texts in quotes" if _is_column(first, second.element) else ""
            advice = advice or alike(first, second.element)
            findings.add(
                one,
                f"{message}: {operator!r} is {verdict}",
                "unlike-types",
                remedy=advice,
                sure=sure,
            )


def same_kind(left: Typed, right: Typed, findings: Findings) -> str:
    """Return the comparison of a text column with a number: as text, whose zeros and letters are kept."""
    for (_, text), (node, other) in ((left, right), (right, left)):
        if _is_column(text, other):
            written = findings.quoted(node)
            if node.kind != "literal":
                return f"write {written} | text"
            typed = f"{text.column}: {{type: decimal}}"
            return f"put it in quotes: '{written}'; or, for a number that is no key: {typed}"
    return ""


def _is_column(text: Type, other: Type) -> bool:
    return bool(text.column) and text.solid == {STRING} and other.solid <= NUMBERS


def alike(first: Type, second: Type) -> str:
    """Return the remedy for comparing two values of different types."""
    for text, other in ((first, second), (second, first)):
        if text.solid == {STRING} and other.solid <= NUMBERS:
            value = (
                next(iter(text.enum))
                if text.enum and len(text.enum) == 1 and not text.column
                else None
            )
            if isinstance(value, str) and value.strip("-").replace(".", "", 1).isdecimal():
                return f"drop the quotes: {value}"
            return (
                remedy(text, NUMBERS) if text.column else "make both the same: | text, or | decimal"
            )
        if text.solid == {STRING} and other.solid == {BOOLEAN}:
            if text.column:
                return f"give the column its type, as in {text.column}: {{type: boolean}}; or compare it with its text"
            return "true and false are written without quotes"
        if text.solid == {STRING} and other.solid == {DATE}:
            if text.column:
                return remedy(text, {DATE})
            if text.enum and len(text.enum) == 1:
                return f"make it a date: {next(iter(text.enum))!r} | to_date"
            return "compare dates with dates: the text | to_date; or texts: the date | date('%Y-%m-%d')"
        if text.solid == {LIST} or text.solid == {OBJECT}:
            return remedy(text, NUMBERS | {STRING, BOOLEAN, DATE})
    return ""


def _only(type_: Type, kinds: set[str]) -> bool:
    return bool(type_.solid) and type_.solid <= kinds


def _groups(type_: Type) -> frozenset[str]:
    return frozenset(_GROUPS.get(kind, "number") for kind in type_.solid)


def _bare(type_: Type) -> Type:
    """Return the type without its null, for a message."""
    return Type(type_.solid or type_.kinds)
