"""Filters of lists and objects: choosing, ordering, grouping, adding up. Elements compare as they do in Jinja."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from jinja2 import StrictUndefined, Undefined

from runner.exact import EXACT
from runner.template.binding import bound
from runner.template.registry import (
    FILTERS,
    PLAIN,
    Anything,
    Attribute,
    Countable,
    Elements,
    Entries,
    FilterName,
    Maybe,
    Ordered,
    TestName,
    Truth,
    Whole,
    Words,
    filter_,
)
from runner.template.values import EvaluationError, Group, Index, Unknown, is_near, kind, number
from runner.template.work import LIST_SIZE, TEXT_SIZE, make

_NONE = object()
MOST_PARTS = 100_000


def attribute_of(element: Any, name: Attribute, where: str) -> Any:
    """The field of an element by its name, `client.name`, or its position. Undefined where it is not there."""
    if type(element) is dict and name in element:  # most are; a field may be called a.b
        return element[name]
    if isinstance(element, Mapping) and name in element:
        return element[name]
    found = element
    for part in str(name).split(".") if isinstance(name, str) else [name]:
        found = _member(
            found, int(part) if isinstance(part, str) and part.isdecimal() else part, where
        )
        if isinstance(found, Undefined):
            return found
    return found


def _member(of: Any, key: Any, where: str) -> Any:
    if isinstance(of, Unknown):
        return of.child(key)
    if isinstance(of, Mapping) and key in of:
        return of[key]
    if isinstance(of, list | tuple) and isinstance(key, int) and key < len(of):
        return of[key]
    found = of.member(key) if isinstance(of, Group) else None
    declared = getattr(of, "declared", ())
    if key in declared:
        return None
    return (
        found if found is not None else StrictUndefined(hint=f"{where}: an element has no {key!r}")
    )


def attributes(elements: Sequence[Any], name: Attribute, where: str) -> list[Any]:
    """The field of each element. Raises what an undefined one raises."""
    return [present(attribute_of(element, name, where)) for element in elements]


def present(value: Any) -> Any:
    """The value. Raises what an undefined one raises."""
    if isinstance(value, Undefined):
        str(value)
    return value


def _folded(value: Any, case_sensitive: bool) -> Any:
    return value.lower() if isinstance(value, str) and not case_sensitive else value


def _keyed(attribute: Attribute, *, case_sensitive: bool, where: str) -> Callable[[Any], Any]:
    """What elements are compared by: themselves, or one or several of their fields."""
    if attribute is None:
        return lambda element: _folded(element, case_sensitive)
    names = attribute.split(",") if isinstance(attribute, str) else [attribute]
    one, *more = [name.strip() if isinstance(name, str) else name for name in names]

    def by(element: Any, name: Attribute) -> Any:
        return _folded(present(attribute_of(element, name, where)), case_sensitive)

    if not more:
        return lambda element: by(element, one)
    return lambda element: [by(element, name) for name in (one, *more)]


@filter_(
    "length", "count", gives="integer", doc="the number of elements, of members or of characters"
)
def length(value: Countable) -> int:
    return len(value)


@filter_("first", gives="end", doc="the first element, or the first character")
def first(value: Ordered) -> Any:
    return value[0] if value else _empty(value, "first")


@filter_("last", gives="end", doc="the last element, or the last character")
def last(value: Ordered) -> Any:
    return value[-1] if value else _empty(value, "last")


def _empty(value: Any, where: str) -> Any:
    what = "text" if isinstance(value, str) else "list"
    return StrictUndefined(hint=f"{where}: the {what} is empty")


@filter_("one", gives="element", doc="the element of a list that has exactly one")
def one(value: Elements) -> Any:
    if len(value) != 1:
        raise EvaluationError(f"one needs a list of exactly one element, and it has {len(value)}")
    return value[0]


@filter_("list", gives="list", doc="a list: of a text its characters, of an object its keys")
def list_(value: Countable) -> list[Any]:
    make(len(value) * TEXT_SIZE if isinstance(value, str) else 0)
    return list(value)


@filter_("reverse", gives="same", doc="the list, or the text, from its end")
def reverse(value: Ordered) -> Any:
    return value[::-1] if isinstance(value, str) else list(reversed(value))


@filter_("sort", gives="ordered", usage="sort or sort(attribute='sku')",
         doc="the list in order, by the field `attribute`, or by several: 'client,number'")  # fmt: skip
def sort(
    value: Elements,
    reverse: Anything = False,
    case_sensitive: Truth = False,
    attribute: Attribute = None,
) -> list[Any]:
    if isinstance(reverse, str):  # sort('sku')
        reverse, attribute = False, reverse
    key = _keyed(attribute, case_sensitive=case_sensitive, where="sort")
    return sorted(value, key=key, reverse=bool(reverse))


@filter_("unique", gives="unique", usage="unique or unique(attribute='sku')",
         doc="the list with each value once, or each value of a field; capitals count as small letters")  # fmt: skip
def unique(
    value: Elements, case_sensitive: Truth = False, attribute: Attribute = None
) -> list[Any]:
    key = _keyed(attribute, case_sensitive=case_sensitive, where="unique")
    found: dict[Any, Any] = {}
    for element in value:
        found.setdefault(hashed(key(element)), element)
    return list(found.values())


def hashed(value: Any) -> Any:
    """A value as one that can be a key: equal ones are equal, and true is not 1."""
    if isinstance(value, Mapping):
        return "object", frozenset((key, hashed(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return "list", tuple(map(hashed, value))
    return isinstance(value, bool), value


@filter_(
    "min",
    gives="least",
    usage="min or min(attribute='price')",
    doc="the least element, or the one whose field is least",
)
def min_(value: Elements, case_sensitive: Truth = False, attribute: Attribute = None) -> Any:
    key = _keyed(attribute, case_sensitive=case_sensitive, where="min")
    return min(value, key=key) if value else _empty(value, "min")


@filter_(
    "max",
    gives="least",
    usage="max or max(attribute='price')",
    doc="the greatest element, or the one whose field is greatest",
)
def max_(value: Elements, case_sensitive: Truth = False, attribute: Attribute = None) -> Any:
    key = _keyed(attribute, case_sensitive=case_sensitive, where="max")
    return max(value, key=key) if value else _empty(value, "max")


@filter_(
    "sum",
    gives="sum",
    usage="sum or sum('quantity')",
    doc="the sum of numbers, or of the field `attribute`",
)
def sum_(value: Elements, attribute: Attribute = None, start: Anything = 0) -> Any:
    found = attributes(value, attribute, "sum") if attribute is not None else value
    return summed([start, *found] if start != 0 else found, "sum")


def summed(values: Sequence[Any], where: str) -> Any:
    """The sum of numbers; unknown as soon as one is."""
    if not all(map(is_near, values)):
        unknown = next((value for value in values if isinstance(value, Unknown)), None)
        if unknown is not None:
            return unknown
        values = [number(value, where) for value in values]
    try:
        with localcontext(EXACT):
            return number(sum(values, 0), where)
    except ArithmeticError:
        raise EvaluationError(f"{where}: a number out of range") from None


@filter_("sum_by", gives="sums", usage="sum_by('sku', 'quantity')",
         doc="an object: for each value of a field, the sum of another over the elements that have it")  # fmt: skip
def sum_by(value: Elements, attribute: Attribute, of: Attribute) -> dict[Any, Any]:
    found: dict[Any, list[Any]] = {}
    for element in value:
        key = _name(present(attribute_of(element, attribute, "sum_by")), "sum_by")
        found.setdefault(key, []).append(present(attribute_of(element, of, "sum_by")))
    return {key: summed(values, "sum_by") for key, values in found.items()}


@filter_("index_by", gives="index", usage="index_by('sku')",
         doc="an object: each element under the value of its field, which only it may have")  # fmt: skip
def index_by(value: Elements, attribute: Attribute) -> dict[Any, Any]:
    found = Index()
    for element in value:
        key = _name(present(attribute_of(element, attribute, "index_by")), "index_by")
        if key in found:
            raise EvaluationError(
                f"index_by: two elements have {attribute!r} {key!r}; groupby takes them together"
            )
        found[key] = element
    return found


def _name(value: Any, where: str) -> Any:
    """A value that elements are found by: a text or a number, as it is."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal | dt.date | Unknown):
        raise EvaluationError(f"{where}: {kind(value)} cannot be a key")
    return value


@filter_("only", gives="only", usage="only('sku', 'quantity')",
         doc="the object, or each object of the list, with these fields alone")  # fmt: skip
def only(value: Anything, *names: Words) -> Any:
    if isinstance(value, list | tuple):
        return [only(each, *names) for each in value]
    if isinstance(value, Unknown):
        return value
    if not isinstance(value, Mapping):
        raise EvaluationError(f"only needs an object or a list of them, not {kind(value)}")
    return {name: present(attribute_of(value, name, "only")) for name in names}


@filter_("groupby", gives="groups", usage="groupby('client')",
         doc="pairs of a field's value and the elements that have it (`.grouper`, `.list`), in order")  # fmt: skip
def groupby(
    value: Elements,
    attribute: Attribute,
    default: Anything = None,
    case_sensitive: Truth = False,
) -> list[Group]:
    found: dict[Any, tuple[Any, list[Any]]] = {}
    for element in value:
        name = attribute_of(element, attribute, "groupby")
        name = default if isinstance(name, Undefined) and default is not None else present(name)
        found.setdefault(hashed(_folded(name, case_sensitive)), (name, []))[1].append(element)
    pairs = sorted(found.values(), key=lambda pair: _folded(pair[0], case_sensitive))
    return [Group(name, elements) for name, elements in pairs]


@filter_(
    "batch",
    gives="lists",
    usage="batch(3)",
    doc="lists of `linecount` elements each, the last one filled up with `fill_with`",
)
def batch(value: Elements, linecount: Whole, fill_with: Anything = None) -> list[list[Any]]:
    if not 1 <= linecount <= MOST_PARTS:
        raise EvaluationError(f"batch needs a number from 1 to {MOST_PARTS:,}")
    if fill_with is not None:
        make(linecount * 8)
    found = [list(value[at : at + linecount]) for at in range(0, len(value), linecount)]
    if found and fill_with is not None:
        found[-1] += [fill_with] * (linecount - len(found[-1]))
    return found


@filter_(
    "slice",
    gives="lists",
    usage="slice(3)",
    doc="the list in so many lists, as alike in length as they can be",
)
def slice_(value: Elements, slices: Whole, fill_with: Anything = None) -> list[list[Any]]:
    if not 1 <= slices <= MOST_PARTS:
        raise EvaluationError(f"slice needs a number from 1 to {MOST_PARTS:,}")
    make(slices * LIST_SIZE)
    size, longer = divmod(len(value), slices)
    found, at = [], 0
    for number_ in range(slices):
        end = at + size + (number_ < longer)
        part = list(value[at:end])
        if fill_with is not None and number_ >= longer:
            part.append(fill_with)
        found.append(part)
        at = end
    return found


@filter_(
    "flatten", gives="flattened", doc="the elements of the lists that a list holds, as one list"
)
def flatten(value: Elements) -> Any:
    found: list[Any] = []
    for each in value:
        if isinstance(each, Unknown):
            return each
        if not isinstance(each, list | tuple):
            raise EvaluationError(f"flatten needs a list of lists, and this one holds {kind(each)}")
        found += each
    return found


@filter_(
    "zip",
    gives="zipped",
    usage="zip(others)",
    doc="pairs of the elements of two lists of the same length",
)
def zip_(value: Elements, others: Elements) -> list[list[Any]]:
    if len(value) != len(others):
        raise EvaluationError(
            f"zip needs lists of the same length, not {len(value)} and {len(others)}"
        )
    return [list(pair) for pair in zip(value, others, strict=True)]


@filter_("items", gives="pairs", doc="the pairs of name and value of an object")
def items(value: Entries) -> list[list[Any]]:
    return [[key, each] for key, each in value.items()]


@filter_("dictsort", gives="pairs", usage="dictsort or dictsort(by='value')",
         doc="the pairs of name and value of an object, in the order of the names or of the values")  # fmt: skip
def dictsort(
    value: Entries,
    case_sensitive: Truth = False,
    by: Words = "key",
    reverse: Truth = False,
) -> list[list[Any]]:
    if by not in ("key", "value"):
        raise EvaluationError(f"dictsort: by is 'key' or 'value', not {by!r}")
    place = 0 if by == "key" else 1
    pairs = [[key, each] for key, each in value.items()]
    return sorted(pairs, key=lambda pair: _folded(pair[place], case_sensitive), reverse=reverse)


@filter_("default", "d", gives="default", usage="default('none given')",
         doc="`default_value` in place of null or what is not there; with `true`, of empty or false")  # fmt: skip
def default(value: Maybe, default_value: Anything = "", boolean: Truth = False) -> Any:
    missing = isinstance(value, Undefined) or value is None
    return default_value if missing or (boolean and not value) else value


@filter_("map", gives="mapped", usage="map('upper') or map(attribute='sku')",
         doc="a filter applied to each element, or the field `attribute` of each")  # fmt: skip
def map_(
    value: Elements, name: FilterName | None = None, *arguments: Anything, attribute: Attribute = None,
    default: Anything = None, **named: Anything,
) -> list[Any]:  # fmt: skip
    if attribute is None and name not in FILTERS:
        attribute = name
    if attribute is not None:
        found = [attribute_of(element, attribute, "map") for element in value]
        if default is not None:
            return [
                default if isinstance(each, Undefined) or each is None else each for each in found
            ]
        return [each if type(each) in PLAIN else present(each) for each in found]
    if name is None:
        raise EvaluationError("map needs a filter, as in map('upper'), or map(attribute='sku')")
    given = [*((None, each) for each in arguments), *named.items()]
    apply = bound(FILTERS[name], [*given, ("default", default)] if default is not None else given)
    return [apply(element) for element in value]


def _verdict(name: str | None, arguments: Sequence[Any]) -> Callable[[Any], bool]:
    """The test of this name as a function of a value; the value itself decides where there is none."""
    from runner.template.tests import decided  # which are made of these

    if name is None:
        return lambda value: bool(present(value))
    return lambda value: bool(decided(name, value, arguments))


@filter_(
    "select",
    gives="chosen",
    usage="select or select('odd')",
    doc="the elements of which a test is true, or that are not empty or false",
)
def select(value: Elements, name: TestName | None = None, *arguments: Anything) -> list[Any]:
    holds = _verdict(name, arguments)
    return [element for element in value if holds(element)]


@filter_(
    "reject",
    gives="chosen",
    usage="reject or reject('odd')",
    doc="the elements of which a test is not true, or that are empty or false",
)
def reject(value: Elements, name: TestName | None = None, *arguments: Anything) -> list[Any]:
    holds = _verdict(name, arguments)
    return [element for element in value if not holds(element)]


@filter_("selectattr", gives="selected", usage="selectattr('status', 'equalto', 'open')",
         doc="the elements of whose field a test is true, or whose field is not empty or false")  # fmt: skip
def selectattr(
    value: Elements, attribute: Attribute, name: TestName | None = None, *arguments: Anything
) -> list[Any]:
    holds = _verdict(name, arguments)
    return [each for each in value if holds(attribute_of(each, attribute, "selectattr"))]


@filter_("rejectattr", gives="rejected", usage="rejectattr('status', 'equalto', 'open')",
         doc="the elements of whose field a test is not true, or whose field is empty or false")  # fmt: skip
def rejectattr(
    value: Elements, attribute: Attribute, name: TestName | None = None, *arguments: Anything
) -> list[Any]:
    holds = _verdict(name, arguments)
    return [each for each in value if not holds(attribute_of(each, attribute, "rejectattr"))]
