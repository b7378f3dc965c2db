"""The values of expressions: how they read as text, and the one that is not known before the run.

Values are plain data: null, true and false, int, Decimal, text, date, list and mapping. There are no floats.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from runner.keys import canonical

Scope = Mapping[str, Any]
"""The values that an expression sees, by their names."""

Compute = Callable[[Scope], Any]
"""From a scope to a value, which may be undefined. Raises what its parts raise."""

MAX_DIGITS = 4300
"""Digits of a number, before or after the point."""

_TOO_LARGE = 10**MAX_DIGITS
_NUMBERS = (int, Decimal)
WIDE = 10**18
NEAR = frozenset(range(-98, 99))
_CHILDREN = 64


class EvaluationError(Exception):
    """An expression cannot be computed with the values it was given. The message is for people."""


class Undecided(Exception):  # noqa: N818 - not an error: the answer comes later
    """A decision needs a value that is only known after the run."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.origin = origin


class Unknown:
    """A value that an earlier step will return. `origin` says which: `job.id`.

    `parts` are the texts and unknown values that it is made of, where it is text around one or more of them.
    It passes through attributes, items, arithmetic and comparisons; whatever has to decide on it raises Undecided.
    """

    __slots__ = ("_children", "origin", "parts")

    def __init__(self, origin: str, *, parts: Sequence[str | Unknown] = ()) -> None:
        self.origin = origin
        self.parts = tuple(parts) if parts else ()
        self._children: dict[Any, Unknown] = {}

    @classmethod
    def text(cls, parts: Sequence[str | Unknown]) -> Unknown:
        """Texts and unknown values side by side. At least one of them has to be unknown."""
        flat = [
            inner
            for part in parts
            for inner in ((part,) if isinstance(part, str) else part.parts or (part,))
        ]
        return cls(next(part.origin for part in flat if isinstance(part, Unknown)), parts=flat)

    def __str__(self) -> str:
        return "".join(map(str, self.parts)) if self.parts else f"(known after run: {self.origin})"

    def __repr__(self) -> str:
        return f"Unknown({self.origin!r})"

    def child(self, name: str | int) -> Unknown:
        """The unknown value at `name` inside this one."""
        hash(name)  # a list or an object is no key
        found = _unknown(
            f"{self.origin}.{name}" if isinstance(name, str) else f"{self.origin}[{name}]"
        )
        if type(name) is str and len(self._children) < _CHILDREN:
            self._children[name] = found
        return found

    def __getitem__(self, name: str | int) -> Unknown:
        try:
            return self._children[name]
        except (KeyError, TypeError):
            return self.child(name)

    def __eq__(self, other: object) -> Unknown:  # type: ignore[override]
        return self

    def __ne__(self, other: object) -> Unknown:  # type: ignore[override]
        return self

    def __lt__(self, other: object) -> Unknown:
        return self

    __le__ = __gt__ = __ge__ = __lt__

    def _undecided(self, *_: object) -> NoReturn:
        raise Undecided(self.origin)

    __bool__ = __contains__ = __iter__ = __len__ = _undecided
    __hash__ = _undecided  # looking it up as a key is a decision too


class Lazy:
    """A named value that is computed when it is first read, and then kept. `source` says of what, if anything does."""

    __slots__ = ("_compute", "_known", "_value", "source")

    def __init__(self, compute: Callable[[], Any], source: Any = None) -> None:
        self._compute, self._known, self._value = compute, False, None
        self.source = source

    def value(self) -> Any:
        """The value. Raises what computing it raises."""
        if not self._known:
            self._value, self._known = self._compute(), True
        return self._value

    def __getitem__(self, key: Any) -> Any:
        """The member of the value, where `name.key` is read in one step. Raises KeyError."""
        value = self.value()
        if type(value) is not dict:
            raise KeyError(key)
        return value[key]


class Group(list[Any]):
    """A value and the elements that share it, a pair whose parts have names: `grouper` and `list`."""

    def __init__(self, grouper: Any, elements: Sequence[Any]) -> None:
        super().__init__([grouper, elements])

    def member(self, name: Any) -> Any:
        """The part of this name, None where there is none."""
        return {"grouper": self[0], "list": self[1]}.get(name)


class Nameless(list[Any]):
    """Elements that a value which is none has chosen, or what was made of them. `why` says so to people.

    They may be counted, and nothing is taken of them.
    """

    __slots__ = ("why",)

    def __init__(self, elements: Sequence[Any], why: str) -> None:
        super().__init__(elements)
        self.why = why


def takeable(value: Any) -> Any:
    """The value, of which elements are taken. Raises EvaluationError where nothing may be."""
    if type(value) is Nameless:
        raise EvaluationError(value.why)
    return value


class Index(dict[Any, Any]):
    """Elements by the value of a field. A value that is none finds none of them."""


class Answer(dict[str, Any]):
    """An object of an answer. Those of its `declared` fields that the answer leaves out are read as null."""

    __slots__ = ("declared",)

    def __init__(self, members: Mapping[str, Any], declared: Collection[str]) -> None:
        super().__init__(members)
        self.declared = declared


@lru_cache(maxsize=1024)
def _unknown(origin: str) -> Unknown:
    return Unknown(origin)


def kind(value: Any) -> str:
    """What people call the type of a value."""
    names: list[tuple[Any, str]] = [
        (type(None), "null"),
        (bool, "true or false"),
        ((int, Decimal), "a number"),
        (str, "a text"),
        (dt.date, "a date"),
        (Mapping, "an object"),
        ((list, tuple), "a list"),
    ]
    return next((name for types, name in names if isinstance(value, types)), type(value).__name__)


def is_near(value: Any) -> bool:
    """Whether it is a number whose digits all stand near the point, as those of prices do: two of them may be added,
    multiplied and divided without a look at how many digits come of it."""
    exact = type(value)
    return value.adjusted() in NEAR if exact is Decimal else exact is int and -WIDE < value < WIDE


def number(value: Any, where: str) -> int | Decimal:
    """`value` if it is a number that can be reckoned with; true and false are none."""
    if is_near(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, Unknown):
        raise Undecided(value.origin)
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        raise EvaluationError(f"{where} needs a number, not {kind(value)}")
    if isinstance(value, Decimal):
        small = value.is_zero() or abs(value.adjusted()) < MAX_DIGITS
    else:
        small = abs(value) < _TOO_LARGE
    if not small:  # 1e999999999 written out would be a gigabyte
        raise EvaluationError(f"{where}: a number of more than {MAX_DIGITS} digits")
    return value


def digits(value: int | Decimal) -> str:
    """A number as text, without an exponent."""
    text = str(value)  # at a third of what format costs, which few need
    return format(value, "f") if "E" in text else text


def to_text(value: Any) -> str:
    """How a value reads inside text. Null, lists and objects have no text and are refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _NUMBERS):
        return digits(number(value, "text"))
    if isinstance(value, dt.date):
        return value.isoformat()
    if value is None:
        raise EvaluationError(
            "the value is null, which has no text; say what to write instead: | default('')"
        )
    if isinstance(value, Unknown):  # not an error of the data: the caller has to decide on it
        raise Undecided(value.origin)
    raise EvaluationError(f"{kind(value)} cannot stand inside text")


def is_blank(value: Any) -> bool:
    """Tell whether a value is none, or has a part that is none: a text of blanks, an empty list."""
    if isinstance(value, str):
        return not canonical(value)
    if isinstance(value, Mapping):
        return not value or any(is_blank(each) for each in value.values())
    if isinstance(value, list | tuple):
        return not value or any(is_blank(each) for each in value)
    return value is None


_WORDS = {
    "NoneType": "null", "str": "a text", "int": "a number", "Decimal": "a number", "bool": "true or false",
    "date": "a date", "list": "a list", "dict": "an object",
}  # fmt: skip


def type_error(error: TypeError) -> str:
    """Python's complaint about a comparison in words for people."""
    text = str(error)
    if found := re.search(
        r"'(\S+)' not supported between instances of '([\w.]+)' and '([\w.]+)'", text
    ):
        left, right = (_named(name) for name in found.group(2, 3))
        return f"cannot compare {left} with {right} by {found.group(1)!r}"
    if found := re.search(r"requires string as left operand, not ([\w.]+)", text):
        return f"'in' looks for a text in a text, not for {_named(found.group(1))}"
    if found := re.search(r"argument of type '([\w.]+)' is not iterable", text):
        return f"'in' needs a list, a text or an object on its right, not {_named(found.group(1))}"
    if found := re.search(r"unhashable type: '([\w.]+)'", text):
        return f"{_named(found.group(1))} cannot be a key"
    return text


def _named(type_name: str) -> str:
    return _WORDS.get(type_name.rpartition(".")[2], type_name)
