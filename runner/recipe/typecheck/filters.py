"""The types that filters, methods and tests give and need, from what the registry of filters says of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from runner.problems import nearest
from runner.recipe.typecheck.messages import Findings, remedy
from runner.recipe.typecheck.operators import alike, fill_in, unlike
from runner.recipe.typecheck.types import (
    ANY,
    BOOLEAN,
    DECIMAL,
    INTEGER,
    LIST,
    NUMBERS,
    OBJECT,
    STRING,
    TEXTS,
    Absence,
    Path,
    Type,
    join,
    joined,
    list_of,
    object_of,
    of_kind,
    type_of,
)
from runner.template import Node, path_of
from runner.template.filters import FILTERS, NUMBER
from runner.template.methods import METHODS
from runner.template.registry import TAKES, Filter, assigned
from runner.template.tests import TESTS

Typed = tuple[Node, Type]

_WHOLE = re.compile(r"[-+]?[0-9]+(?:\.0+)?\Z", re.ASCII)
_IN_ONE = "put its lists into one first: | flatten"
PAIR, GROUP = "a pair", "a group"
"""What `of` says of the elements of items, dictsort and groupby, whose parts have types of their own."""


class Applied(NamedTuple):
    """A filter or method as it is used: what it is given, by its parameters."""

    node: Node
    spec: Filter
    subject: Typed
    given: Mapping[str, Typed]
    findings: Findings
    arguments: Sequence[Typed] = ()

    @property
    def type(self) -> Type:
        """The type of what is filtered."""
        return self.subject[1]

    def literal(self, name: str) -> Any:
        """Return an argument that is written out; None where it is not."""
        node = self.given[name][0] if name in self.given else None
        return node.value if node is not None and node.kind == "literal" else None

    @property
    def by_place(self) -> Sequence[Typed]:
        """Return the arguments of a filter or test that is named by an argument, as in `map('round', 2)`."""
        given = zip(self.node.names, self.arguments, strict=True)
        return [typed for name, typed in given if name == "arguments"]


Rule = Callable[[Applied], Type]


def filtered(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """Return the type that a filter or a method gives. `parts` are what it is of and the arguments."""
    spec = (METHODS if node.kind == "call" else FILTERS)[node.value]
    return _type(spec, node, parts, findings)


def _type(spec: Filter, node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    takes = {each.name: each.takes for each in spec.parameters}
    given: dict[str, Typed] = {}
    for name, (part, type_) in zip(node.names, parts[1:], strict=True):
        given.setdefault(name, (part, type_))
        kinds = TAKES[takes[name]]
        null = part.kind == "literal" and part.value is None
        if kinds and not null:
            findings.need(part, type_, kinds, where=f"{spec.name}(...)")
    part, type_ = parts[0]
    use = Applied(node, spec, (part, type_), given, findings, parts[1:])
    if spec.name in ("length", "count") and _is_one_thing(type_):
        _counted(use)
    rule = _RULES.get(spec.gives)
    if spec.name == "format" and node.kind == "filter" and _is_turned(use):
        return of_kind(STRING)
    if spec.takes == "Textual":
        findings.text_of(part, type_)
    elif TAKES[spec.takes]:
        there = _read(spec.name, part, type_, findings)
        if not findings.need(part, there, TAKES[spec.takes], where=spec.name):
            use = use._replace(subject=(part, ANY))
    return rule(use) if rule is not None else of_kind(spec.gives)


def _read(name: str, part: Node, type_: Type, findings: Findings) -> Type:
    """Return the type of a nullable text that is converted to a type without an empty value."""
    if type_.absent is None or name not in ("to_date", "int", "decimal", "float"):
        return type_
    advice = f"ask first: {findings.quoted(part)} is not none"
    if name != "to_date":
        advice = "say what to take: | default(0)"
    required, found, _ = type_.absent.remedy.partition(", or ")
    return type_.maybe(
        type_.absent._replace(remedy=f"{required}, or {advice}" if found else advice)
    )


_NOT_ANSWERED = frozenset({"", "row", "line", "vars", "run", "loop", "lookup", "entry"})


def _is_one_thing(type_: Type) -> bool:
    """Return whether a value is an object of an API, whose fields are not meant to be counted."""
    answered = type_.of not in _NOT_ANSWERED and type_.of not in (PAIR, GROUP)
    return type_.solid == {OBJECT} and bool(type_.fields) and type_.rest is None and answered


def _counted(use: Applied) -> None:
    """Note where the fields of one thing would be counted in place of the things that a list holds."""
    part, whole = use.subject[0], use.findings.quoted(use.subject[0])
    first = part.kind == "member" and isinstance(part.parts[1].value, int)
    of = use.findings.quoted(part.parts[0]) if first else ""
    message = f"{whole} is one object, and {use.spec.name} counts what a list holds"
    advice = f"write {of} | {use.spec.name}" if first else "leave 'expect' of the step out"
    if part.kind != "name" and not first:
        advice = "count the list that it is from"
    use.findings.add(part, message, "wrong-type", remedy=advice, sure=use.type.sure)


def for_each(node: Node, subject: Typed, inner: Typed, findings: Findings) -> Type:
    """Return the type that `total` and `where` give."""
    if node.value == "total":
        findings.need(*inner, NUMBERS, where="total")
        return of_kind(*NUMBERS)
    _, type_ = subject
    looked_at = guards_of(inner[0])
    element = type_.element
    if ("item",) in looked_at:
        element = element.present()
    seen = {path[1]: None for path in looked_at if path[0] == "item" and len(path) > 1}
    known = {
        name: element.fields[name].present()
        for name in seen
        if isinstance(name, str) and name in element.fields
    }
    return replace(type_.present(), item=_narrowed(element, known))


def tested(node: Node, parts: Sequence[Typed], findings: Findings) -> Type:
    """Return the type of a test, which is true or false."""
    kinds = TESTS[node.value].takes
    if kinds:
        findings.need(*parts[0], kinds, where=f"'is {node.value}'")
    return of_kind(BOOLEAN)


class _Narrowed(dict[str, Type]):
    """Fields of which some are known better; the others stay what they are, made on use."""

    def __init__(self, fields: Mapping[str, Type], known: Mapping[str, Type]) -> None:
        super().__init__(known)
        self._fields = fields

    def __missing__(self, name: str) -> Type:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Any:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _narrowed(element: Type, known: Mapping[str, Type]) -> Type:
    return replace(element, fields=_Narrowed(element.fields, known)) if known else element


def parts_of(element: Type, count: int) -> list[Type]:
    """Return the types of the parts of a list that is taken apart: `for name, value in order.items()`."""
    if element.of in (PAIR, GROUP) and count == 2:
        return [element.fields["0"], element.fields["1"]]
    return [element.element] * count


def _pair(one: Type, other: Type) -> Type:
    fields = {"0": one, "1": other}
    return Type(frozenset({LIST}), item=join(one, other), fields=fields, of=PAIR, sure=False)


def _number(use: Applied) -> Type:
    return of_kind(*(use.type.kinds & NUMBERS or NUMBERS))


def _converted(use: Applied) -> Type:
    """`int` and `decimal`, of numbers and of text that is one, or has a default where it is none."""
    whole = use.spec.name == "int"
    part, type_ = use.subject
    kind = INTEGER if whole else DECIMAL
    if "default" in use.given:
        return join(of_kind(kind), use.given["default"][1])
    if whole and type_.solid == {DECIMAL} and not _is_whole(part):
        message = f"int refuses a fraction, which {use.findings.quoted(part)} may have"
        advice = "round it first: | round | int"
        use.findings.add(part, message, "may-be-a-fraction", remedy=advice, sure=False)
    fits = _WHOLE if whole else NUMBER
    if (
        type_.enum
        and type_.solid == {STRING}
        and "base" not in use.given
        and not any(fits.match(str(value).strip()) for value in type_.enum)
    ):
        shown = repr(min(map(str, type_.enum)))
        what = "a whole number" if whole else "a number"
        message = f"{use.spec.name} needs {what}, and {shown} is not one"
        advice = f"say what to take then: | {use.spec.name}(0)"
        use.findings.add(part, message, "wrong-type", remedy=advice, sure=type_.sure)
    return of_kind(kind)


def _is_whole(node: Node) -> bool:
    """Return whether a decimal has no fraction: one that was rounded to no places, or divided by `//`."""
    if node.kind == "filter" and node.value == "round":
        precision = [
            part.value
            for part, name in zip(node.parts[1:], node.names, strict=True)
            if name == "precision"
        ]
        return all(value == 0 for value in precision)
    return (node.kind, node.value) == ("operation", "//")


def _replaced(use: Applied) -> Type:
    """`regex_replace`, told `'\\1'`, which is no group but a control character unless its backslash is doubled."""
    for name in ("pattern", "replacement"):
        text = use.literal(name)
        found = _CONTROL.search(text) if isinstance(text, str) else None
        if found:
            written = "b" if found[0] == "\b" else str(ord(found[0]))
            message = f"'\\{written}' is a control character in a text"
            advice = f"double the backslash: '\\\\{written}'"
            use.findings.add(
                use.given[name][0], message, "control-character", remedy=advice, sure=False
            )
    return of_kind(STRING)


_CONTROL = re.compile("[\x01-\x08]")
"""What `'\\1'` to `'\\7'` and `'\\b'` are in a text."""


def _end(use: Applied) -> Type:
    """`first` and `last`: an element, or a character."""
    if not use.type.kinds or use.type.solid == {STRING}:
        return of_kind(STRING) if use.type.kinds else ANY
    return use.type.element


def _element(use: Applied) -> Type:
    return use.type.element


def _least(use: Applied) -> Type:
    """`min` and `max`: an element, by one of its fields."""
    _compared(use, "attribute='price'")
    return use.type.element


def _ordered(use: Applied) -> Type:
    """`sort`, whose first argument may be the field as well."""
    reverse = use.given.get("reverse")
    if reverse is not None and reverse[1].solid == {STRING}:
        use = use._replace(given={**use.given, "attribute": reverse})
    _compared(use, "attribute='field'")
    return list_of(use.type.element)


def _compared(use: Applied, by: str) -> None:
    """Note where elements are compared that have no order."""
    element = use.type.element
    if "attribute" in use.given:
        for name in str(use.literal("attribute") or "").split(","):
            _field(use, "attribute", name.strip())
    elif element.solid == {OBJECT}:
        message = f"{use.spec.name} cannot compare objects"
        advice = f"say by what: {use.spec.name}({by})"
        use.findings.add(use.subject[0], message, "wrong-type", remedy=advice, sure=element.sure)


def _unique(use: Applied) -> Type:
    if "attribute" in use.given:
        _field(use, "attribute")
    return list_of(use.type.element)


def _same(use: Applied) -> Type:
    return use.type.present()


def _chosen(use: Applied) -> Type:
    """`select` and `reject`: without a test, and without null, the elements are there."""
    test, type_ = use.literal("name"), use.type.present()
    _tested(use, type_.element, "an element")
    there = test is None if use.spec.name == "select" else test == "none"
    return replace(type_, item=type_.element.present()) if there and type_.item else type_


def _list(use: Applied) -> Type:
    if use.type.solid == {STRING} or use.type.solid == {OBJECT}:
        return list_of(of_kind(STRING))
    return list_of(use.type.element)


def _lists(use: Applied) -> Type:
    element = use.type.element
    if "fill_with" in use.given:
        element = join(element, use.given["fill_with"][1])
    return list_of(list_of(element))


def _flattened(use: Applied) -> Type:
    """`flatten`: what the lists hold that a list holds."""
    element = use.type.element
    if not element.can_be({LIST}):
        message = f"flatten puts lists into one, and this list holds {element}"
        advice = "leave it out"
        inner = [name for name in element.fields if element.fields[name].solid == {LIST}]
        if inner:
            advice = f"choose them first: | map(attribute={inner[0]!r}) | flatten"
        use.findings.add(use.subject[0], message, "wrong-type", remedy=advice, sure=element.sure)
        return list_of(ANY)
    use.findings.absent(use.subject[0], element, "and flatten needs lists")
    return list_of(element.element)


def _texts(_: Applied) -> Type:
    return list_of(of_kind(STRING))


def _formatted(use: Applied) -> Type:
    """`format`, the filter and the method, neither of which takes null."""
    part, _ = use.subject
    percent = use.node.kind == "filter" and part.kind == "literal" and isinstance(part.value, str)
    by_place = not any(use.given) or {*use.node.names} == {"arguments"}
    fill_in(use.arguments, part.value if percent and by_place else "", use.findings)
    return of_kind(STRING)


def _is_turned(use: Applied) -> bool:
    """Note where the text of `format` stands in its brackets, and what is put there before it."""
    part, _ = use.subject
    text = next((each.value for each, _ in use.arguments if each.kind == "literal"), None)
    if part.kind == "literal" or not isinstance(text, str) or "%" not in text:
        return False
    inner = part.parts[0] if part.kind == "filter" and part.value in _AS_TEXT else part
    message = "format has the text before it, and what is put there in its brackets"
    advice = f"write {text!r} | format({use.findings.quoted(inner)})"
    use.findings.add(part, message, "wrong-type", remedy=advice)
    return True


_AS_TEXT = ("string", "text")


def _found(_: Applied) -> Type:
    reason = "'regex_search' is null where the text does not match"
    return of_kind(STRING).maybe(Absence(reason, "say what to take then: | default('')"))


def _sum(use: Applied) -> Type:
    """`sum` and `sum('field')`."""
    part, element = use.subject[0], use.type.element
    added = _field(use, "attribute") if "attribute" in use.given else element
    if "start" in use.given and use.given["start"][1].solid == {LIST}:
        use.findings.add(
            use.subject[0], "sum adds numbers, not lists", "wrong-type", remedy="write | flatten"
        )
        return list_of(use.type.element.element)
    if not added.can_be(NUMBERS):
        name = use.literal("attribute")
        what = f"{name!r}" if name else "an element"
        advice = (
            "say which field: sum('field')"
            if added.solid == {OBJECT}
            else _IN_ONE
            if added.solid == {LIST}
            else remedy(added, NUMBERS)
        )
        message = f"sum adds numbers, and {what} is {added}"
        use.findings.add(part, message, "wrong-type", remedy=advice, sure=added.sure)
    elif added.absent is not None:
        advice = f"say what to add then: {_with_default(use)} | sum"
        there = added.maybe(added.absent._replace(remedy=advice))
        use.findings.absent(part, there, "and sum adds numbers")
    return of_kind(*(added.solid & NUMBERS or NUMBERS))


def _with_default(use: Applied) -> str:
    """Return the element selection that `sum` adds, with 0 for null."""
    name, part = use.literal("attribute"), use.subject[0]
    mapped = (
        part.kind == "filter"
        and part.value == "map"
        and part.names[:1] in (("attribute",), ("name",))
    )
    if name is None and mapped and part.parts[1].kind == "literal":
        name, part = part.parts[1].value, part.parts[0]
    written = use.findings.quoted(part)
    return f"{written} | map(attribute={name!r}, default=0)" if name else f"{written} | select"


def _sums(use: Applied) -> Type:
    _field(use, "attribute")
    added = _field(use, "of")
    if not added.can_be(NUMBERS):
        message = f"sum_by adds numbers, and {use.literal('of')!r} is {added}"
        advice = remedy(added, NUMBERS)
        use.findings.add(use.subject[0], message, "wrong-type", remedy=advice, sure=added.sure)
    return object_of({}, rest=of_kind(*(added.solid & NUMBERS or NUMBERS)))


def _index(use: Applied) -> Type:
    _field(use, "attribute")
    return object_of({}, rest=use.type.element)


def _only(use: Applied) -> Type:
    element = use.type.element if use.type.solid == {LIST} else use.type
    names = [part.value for part in use.node.parts[1:] if part.kind == "literal"]
    kept = ANY
    if element.kinds:
        kept = object_of({name: _named(use, element, name, use.subject[0]) for name in names})
    return list_of(kept) if use.type.solid == {LIST} else kept


def _groups(use: Applied) -> Type:
    name = _field(use, "attribute")
    if "default" in use.given:
        name = join(name.present(), use.given["default"][1])
    elements = list_of(use.type.element)
    fields = {"0": name, "1": elements, "grouper": name, "list": elements}
    kinds = frozenset({LIST, OBJECT})
    return list_of(Type(kinds, item=join(name, elements), fields=fields, of=GROUP, sure=False))


def _pairs(use: Applied) -> Type:
    return list_of(_pair(of_kind(STRING), _members(use.type)))


def _zipped(use: Applied) -> Type:
    return list_of(_pair(use.type.element, use.given["others"][1].element))


def _values(use: Applied) -> Type:
    return list_of(_members(use.type))


def _members(type_: Type) -> Type:
    """Return the type of an object's members."""
    known = [type_.fields[name] for name in type_.fields]
    return (
        joined([*known, *([type_.rest] if type_.rest else [])])
        if type_.closed or type_.rest
        else ANY
    )


def _got(use: Applied) -> Type:
    """`get`, which gives null or its default where there is no such member."""
    name = use.literal("key")
    if not isinstance(name, str) or name not in use.type.fields:
        return ANY if use.type.rest is None else use.type.rest
    fallback = use.given["default"][1] if "default" in use.given else None
    found = use.type.fields[name]
    return join(found, fallback) if fallback is not None else found


def _default(use: Applied) -> Type:
    """Return the type of the filtered value, or of the fallback where that value is null or missing."""
    subject = use.type
    fallback = use.given["default_value"][1] if "default_value" in use.given else type_of("")
    if not subject.kinds:
        return ANY
    return join(subject.present(), fallback) if subject.solid else fallback


def _mapped(use: Applied) -> Type:
    """`map('upper')`, a filter for each element, and `map(attribute='sku')`, a field of each."""
    if not {"name", "attribute"} & use.given.keys():
        message = "map needs the name of a filter, or of a field"
        advice = "write map(attribute='sku') for a field, or map('upper')"
        use.findings.add(use.subject[0], message, "argument", remedy=advice)
        return list_of(ANY)
    name, element, part = use.literal("name"), use.type.element, use.subject[0]
    if "attribute" in use.given or not isinstance(name, str) or name not in FILTERS:
        if isinstance(use.literal("attribute"), int) and element.of.endswith(LISTS):
            _only_one_of_each(use)
        found = _field(use, "attribute" if "attribute" in use.given else "name")
        if "default" in use.given and found.kinds:
            found = join(found.present(), use.given["default"][1])
        return list_of(found)
    if name in element.fields:
        message = f"{name!r} is a field of the elements and a filter as well"
        advice = f"write map(attribute={name!r}) for the field"
        use.findings.add(part, message, "wrong-type", remedy=advice)
    spec = FILTERS[name]
    if name in ("first", "last") and element.of.endswith(LISTS):
        _only_one_of_each(use)
    kinds = TAKES[spec.takes]
    if kinds and not element.can_be(kinds):
        message = f"map({name!r}) needs a list of {Type(kinds)}, and this one holds {element}"
        advice = "choose a field first: | map(attribute='name')"
        advice = advice if element.solid == {OBJECT} else remedy(element, kinds)
        use.findings.add(part, message, "wrong-type", remedy=advice, sure=element.sure)
        return list_of(ANY)
    takers = assigned(spec.parameters, len(use.by_place), ()) or ()
    inner = use.node._replace(value=name, names=tuple(each.name for each in takers))
    parts = [(part, element), *use.by_place[: len(takers)]]
    return list_of(_type(spec, inner, parts, use.findings))


def _only_one_of_each(use: Applied) -> None:
    """Note where one entry of each list is kept which a search has given, and the others are lost."""
    which = use.literal("name") or f"element {use.literal('attribute')}"
    message = f"of each list the {which} is kept, and what else it holds is left out"
    use.findings.add(
        use.subject[0], message, "left-out", remedy="for all of them: | flatten", sure=False
    )


LISTS = " lists"
"""How the words end that say why a step's result is a list, where `expect` would make it one thing."""


def _selected(use: Applied) -> Type:
    """`selectattr`: the elements, whose field is there where a test has looked at it."""
    found = _field(use, "attribute")
    name, test = use.literal("attribute"), use.literal("name")
    element = use.type.element
    _tested(use, found, repr(name))
    if test in _NOT_LOOKED_AT or name not in element.fields:
        return use.type.present()
    return replace(use.type.present(), item=_narrowed(element, {name: found.present()}))


def _selects(use: Applied) -> Type:
    """`rejectattr`."""
    _tested(use, _field(use, "attribute"), repr(use.literal("attribute")))
    return use.type.present()


def _tested(use: Applied, type_: Type, what: str) -> None:
    """Note where `what`, an element or its field, is asked what it cannot be asked."""
    test = use.literal("name")
    if not isinstance(test, str) or not type_.solid:
        return
    takes = TESTS[test].takes
    if takes and not type_.can_be(takes):
        message = f"{test!r} needs {Type(takes)}, and {what} is {type_}"
        advice = remedy(type_, takes)
        use.findings.add(use.subject[0], message, "wrong-type", remedy=advice, sure=type_.sure)
    elif takes:
        use.findings.absent(use.subject[0], type_, f"and {test!r} needs {Type(takes)}")
    for part, other in use.by_place[:1]:
        why = unlike(test, type_, other)
        if why:
            message = f"{test!r} compares {what}, which is {type_}, with {other}: {why}"
            advice = alike(type_, other)
            sure = type_.sure and other.sure
            use.findings.add(part, message, "unlike-types", remedy=advice, sure=sure)


def _field(use: Applied, parameter: str, name: Any = None) -> Type:
    """Return the field of each element that a filter gets by name, or by a path of names."""
    argument, _ = use.given[parameter]
    written = name if name is not None else argument.value
    if argument.kind != "literal" or not isinstance(written, str):
        return ANY
    if advice := _computed(use, written):
        message = f"{use.spec.name} is told a field, and {written!r} is an expression"
        use.findings.add(argument, message, "wrong-type", remedy=advice)
        return ANY
    if "default" in use.given and written not in use.type.element.fields:
        return ANY
    return _named(use, use.type.element, written, argument)


_OPERATOR = re.compile(r"\s*[-+*/]\s*")
_A_NAME = re.compile(r"(?:item\.)?[a-z_][a-z0-9_]*|[0-9.]+", re.ASCII)


def _computed(use: Applied, written: str) -> str:
    """Return the correct form of an expression in place of a field: `sum('qty * cost')`; empty where it is a field."""
    parts = _OPERATOR.split(written)
    fields = use.type.element.fields
    if written in fields or not all(_A_NAME.fullmatch(part) for part in parts):
        return ""
    items = [
        part if part[0].isdigit() or part.startswith("item.") else f"item.{part}" for part in parts
    ]
    if len(parts) == 1:
        plain = written.removeprefix("item.")
        lone = plain != written and "item" not in fields and plain in fields
        return f"write the name alone: {plain!r}" if lone else ""
    signs = _OPERATOR.findall(written)
    whole = "".join(f"{item}{sign}" for item, sign in zip(items, [*signs, ""], strict=True))
    if use.spec.name in ("sum", "map"):
        return f"write total({whole!r})" + (
            ", in place of map and sum" if use.spec.name == "map" else ""
        )
    return f"add it up with | total({whole!r}), or choose with | where('...')"


def _named(use: Applied, element: Type, written: str, argument: Node) -> Type:
    """Return the type at a path of names inside an element."""
    names = [written] if written in element.fields else written.split(".")
    for name in names:
        element = _inside(use, element, name, written, argument)
    return element


def _inside(use: Applied, element: Type, name: str, written: str, argument: Node) -> Type:
    if not element.kinds:
        return ANY
    if name.isdecimal() and element.can_be({LIST}):
        return element.element
    if not element.can_be({OBJECT}):
        message = (
            f"{use.spec.name}({written!r}) is for lists of objects, and this one holds {element}"
        )
        near = nearest(written, FILTERS) if use.spec.name == "map" else ""
        advice = near if near.startswith("did you") else "leave the name out"
        if element.solid == {LIST}:
            advice = _IN_ONE
        use.findings.add(use.subject[0], message, "wrong-type", remedy=advice, sure=element.sure)
        return ANY
    if name in element.fields:
        return element.fields[name]
    if element.fields and not element.rest:
        lacks = "have no field" if element.closed else "are not known to have a field"
        message = f"the elements {lacks} {name!r}"
        advice = nearest(name, element.fields, noun="fields")
        use.findings.add(argument, message, "unknown-field", remedy=advice, sure=element.closed)
    return element.rest or ANY


def _join(use: Applied) -> Type:
    part, element = use.subject[0], use.type.element
    if "attribute" in use.given:
        element = _field(use, "attribute")
    if element.kinds:
        if not element.can_be(TEXTS):
            message = f"join puts texts side by side, and the list holds {element}"
            advice = "choose a field first: | map('name')" if element.solid == {OBJECT} else ""
            use.findings.add(part, message, "wrong-type", remedy=advice, sure=element.sure)
        elif element.absent is not None:
            advice = f"leave out what is null: | select | {use.spec.usage}"
            there = element.maybe(element.absent._replace(remedy=advice))
            use.findings.absent(part, there, "and null has no text")
    return of_kind(STRING)


_RULES: Mapping[str, Rule] = {
    "chosen": _chosen,
    "converted": _converted, "default": _default, "element": _element, "end": _end, "flattened": _flattened,
    "formatted": _formatted,
    "got": _got, "groups": _groups,
    "index": _index, "joined": _join, "least": _least, "list": _list, "lists": _lists, "mapped": _mapped,
    "number": _number, "only": _only, "ordered": _ordered, "pairs": _pairs, "rejected": _selects, "replaced": _replaced,
    "same": _same,
    "selected": _selected, "sum": _sum, "sums": _sums, "text or null": _found, "texts": _texts, "unique": _unique,
    "values": _values,
    "zipped": _zipped,
}  # fmt: skip
"""What the registry says of a filter that gives more than a kind."""


_NOT_LOOKED_AT = ("none", "defined", "undefined", "ne", "!=")
"""Tests that null passes as well, or passes alone."""

DEFINED = "is defined"
"""The last part of a path of which a condition asks no more than whether it is there: null is, as in Jinja."""


def guards_of(*nodes: Node | None) -> frozenset[Path]:
    """Return the paths that conditions check: a checked value is treated as known to be nullable."""
    return frozenset(path for node in nodes if node is not None for path in _looked_at(node))


def _looked_at(node: Node) -> Iterator[Path]:
    path = path_of(node)
    if path:
        yield path
    if node.kind == "test" and node.value in ("defined", "undefined"):
        asked = path_of(node.parts[0])
        if asked:
            yield (*asked, DEFINED)
            node = node.parts[0]
    for part in node.parts:
        yield from _looked_at(part)
