"""What an expression may be made of: its syntax tree, checked against a short list before anything is compiled."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from jinja2 import nodes
from jinja2.filters import FILTERS as JINJA_FILTERS

from runner.template.environment import CONCAT, ENVIRONMENT
from runner.template.filters import FILTERS, accepts
from runner.template.methods import METHODS
from runner.template.refused import (
    REFUSED_FILTERS,
    REFUSED_FUNCTIONS,
    REFUSED_METHODS,
    REFUSED_TESTS,
    with_given,
)
from runner.template.registry import WRITTEN, Filter, Parameter, assigned
from runner.template.tests import TESTS
from runner.template.tokens import FUNCTIONS, WORDS, Reference, TemplateError, Token, literal, named
from runner.template.tree import Node
from runner.template.values import EvaluationError

MAX_DEPTH = 40
CHOOSING = ("map", "select", "reject", "selectattr", "rejectattr")
"""Filters that are told another filter, or a test, by its name."""

NEAR = 0.75
"""How like a name has to be to one that there is, to be taken for a slip: `float` is not `last`."""

EXPRESSION_FILTERS = ("total", "where")
"""Filters whose argument is an expression that is evaluated for each element."""

_ALLOWED = (
    nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Const, nodes.TemplateData,
    nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.Test, nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod,
    nodes.Neg, nodes.Pos, nodes.Call, nodes.Slice,
)  # fmt: skip
_REFUSED: dict[type[nodes.Node], tuple[str, str, str]] = {
    nodes.Pow: ("'**' is not allowed", "**", "multiply: a * a"),
}
_NO_NAMES = {"self", "super", *WORDS}  # Jinja gives the first two meanings of its own


class Inner(Protocol):
    """A compiled expression, as far as it matters to the one it stands in."""

    @property
    def references(self) -> tuple[Reference, ...]: ...

    @property
    def tree(self) -> Node: ...


class Checker:
    """Checks a syntax tree, and rewrites `~` to a filter, tuples to lists and exact numbers to what makes them."""

    def __init__(
        self,
        tokens: list[Token],
        text: str,
        *,
        numbers: Mapping[str, str],
        compile_inner: Callable[[str], Inner],
    ) -> None:
        self._tokens, self._text, self._numbers, self._compile_inner = (
            tokens,
            text,
            numbers,
            compile_inner,
        )
        self.references: list[Reference] = []
        """What the expressions inside `total` and `where` read, seen from this text."""
        self._uses: dict[str, int] = {}

    def check(self, node: Any, depth: int = 0) -> Any:
        """The tree to compile. Raises TemplateError."""
        if depth > MAX_DEPTH:
            raise self._error("nested too deeply")
        if not isinstance(node, _ALLOWED):
            otherwise = f"{type(node).__name__.lower()} is not allowed here", "", ""
            message, culprit, remedy = _REFUSED.get(type(node), otherwise)
            raise self._error(message, culprit, remedy=remedy)
        if isinstance(node, nodes.Name) and node.name in self._numbers:
            digits = nodes.Const(self._numbers[node.name], lineno=node.lineno)
            return nodes.Filter(
                digits, "decimal", [], [], None, None, lineno=node.lineno, environment=ENVIRONMENT
            )
        self._check_shape(node)
        for name, value in list(node.iter_fields()):
            if isinstance(value, nodes.Node):
                setattr(node, name, self.check(value, depth + 1))
            elif isinstance(value, list):
                setattr(
                    node,
                    name,
                    [self.check(v, depth + 1) if isinstance(v, nodes.Node) else v for v in value],
                )
        if isinstance(node, nodes.Filter | nodes.Test):  # after what stands before it in the text
            self._check_named(node)
        if isinstance(node, nodes.Call):
            self._check_call(node)
        if isinstance(node, nodes.Concat):
            parts = nodes.List(node.nodes, lineno=node.lineno)
            return nodes.Filter(
                parts, CONCAT, [], [], None, None, lineno=node.lineno, environment=ENVIRONMENT
            )
        return nodes.List(node.items, lineno=node.lineno) if isinstance(node, nodes.Tuple) else node

    def _check_shape(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.CondExpr) and node.expr2 is None:
            remedy = "say what it is otherwise: a if b else ''"
            raise self._error("'if' needs an 'else'", "if", remedy=remedy)
        if isinstance(node, nodes.Name) and node.name in _NO_NAMES:
            raise self._error(f"{node.name!r} cannot be used as a name", node.name)
        if isinstance(node, nodes.Pair) and not (
            isinstance(node.key, nodes.Const) and isinstance(node.key.value, str)
        ):
            raise self._error(
                "the keys of an object are texts", "{", remedy="quote them: {'key': value}"
            )
        if isinstance(node, nodes.Filter | nodes.Test | nodes.Call) and (
            node.dyn_args or node.dyn_kwargs
        ):
            mark = "*" if node.dyn_args else "**"
            raise self._error(f"'{mark}' is not allowed here", mark)

    def _check_named(self, node: nodes.Filter | nodes.Test) -> None:
        """A filter or test that there is, with arguments that it takes."""
        at = self._place(node.name, "filter" if isinstance(node, nodes.Filter) else "test")
        if isinstance(node, nodes.Test):
            self._check_test(node, node.name, len(node.args) + len(node.kwargs), at)
            return
        if node.name in EXPRESSION_FILTERS:
            self._check_inner(node, at)
            return
        if node.name not in FILTERS:
            raise _unknown(
                node.name,
                "filter",
                [*FILTERS, *EXPRESSION_FILTERS],
                REFUSED_FILTERS,
                at,
                given=_written_out(node),
            )
        takers = accepts(node.name, len(node.args), [str(keyword.key) for keyword in node.kwargs])
        spec = FILTERS[node.name]
        if takers is None:
            raise self._misused(spec, at)
        self._check_arguments(node, spec, takers)
        self._check_chosen(node, at)

    def _check_test(self, node: nodes.Expr, name: str, given: int, at: int) -> None:
        if name not in TESTS or not (TESTS[name].spelled or isinstance(node, nodes.Filter)):
            known = [each for each in TESTS if TESTS[each].spelled]
            out = _written_out(node) if isinstance(node, nodes.Test) else ()
            if isinstance(node, nodes.Filter) and (remedy := _as_where(node, name)):
                message = f"there is no test {name!r}"
                raise TemplateError(message, offset=at, length=len(name) + 2, remedy=remedy)
            raise _unknown(name, "test", known, REFUSED_TESTS, at, given=out)
        if given != TESTS[name].arguments:
            message = f"the test {name} is not given what it needs"
            usage = f"{name}(x)" if TESTS[name].arguments else name
            raise TemplateError(
                message, offset=at, length=len(name), remedy=f"write it so: {usage}"
            )

    def _misused(self, spec: Filter, at: int) -> TemplateError:
        bare = not spec.parameters
        message = (
            f"{spec.name} takes nothing in brackets"
            if bare
            else f"{spec.name} is not given what it needs"
        )
        return TemplateError(
            message, offset=at, length=len(spec.name), remedy=f"write it so: {spec.usage}"
        )

    def _check_arguments(
        self, node: nodes.Filter | nodes.Call, spec: Filter, takers: Sequence[Parameter]
    ) -> None:
        """A format or a pattern that is written out has to be one."""
        arguments = [*node.args, *(keyword.value for keyword in node.kwargs)]
        for taker, argument in zip(takers, arguments, strict=True):
            if not isinstance(argument, nodes.Const | nodes.TemplateData):
                continue
            value = argument.value if isinstance(argument, nodes.Const) else argument.data
            if taker.takes not in WRITTEN or not isinstance(value, str):
                continue  # of which kind it is, the types say
            try:
                WRITTEN[taker.takes](value, spec.name)
            except EvaluationError as error:
                token = next(t for t in self._tokens if t.offset >= argument.lineno - 1)
                raise TemplateError(
                    str(error),
                    offset=token.offset,
                    length=len(token.text),
                    remedy=f"write it so: {spec.usage}",
                ) from None

    def _check_chosen(self, node: nodes.Filter, at: int) -> None:
        """The filter or test that another one is told by name: `map('upper')`, `select('odd')`."""
        if node.name not in CHOOSING:
            return
        place = 1 if node.name in ("selectattr", "rejectattr") else 0
        if len(node.args) <= place:
            return
        argument = node.args[place]
        if not isinstance(argument, nodes.Const) or not isinstance(argument.value, str):
            noun = "filter" if node.name == "map" else "test"
            message = f"{node.name} is told the {noun} by its name, written out"
            usage = FILTERS[node.name].usage
            raise TemplateError(
                message, offset=at, length=len(node.name), remedy=f"write it so: {usage}"
            )
        name, given = argument.value, len(node.args) - place - 1
        where = next(t.offset for t in self._tokens if t.offset >= argument.lineno - 1)
        if node.name != "map":
            self._check_test(node, name, given, where)
            return
        if name in EXPRESSION_FILTERS:
            raise TemplateError(
                f"{name} cannot be told by name", offset=where, length=len(name) + 2
            )
        if name not in FILTERS and (name in JINJA_FILTERS or given):  # others are fields
            raise _unknown(name, "filter", FILTERS, REFUSED_FILTERS, where)
        if name in FILTERS:
            keywords = [str(keyword.key) for keyword in node.kwargs]
            if accepts(name, given, [key for key in keywords if key != "attribute"]) is None:
                raise self._misused(FILTERS[name], where)

    def _check_call(self, node: nodes.Call) -> None:
        """A method of the allow-list, or a function that there is."""
        if isinstance(node.node, nodes.Getattr):
            name = node.node.attr
            at = node.node.lineno
            if name not in METHODS:
                raise TemplateError(
                    f"there is no method {name!r}",
                    offset=at,
                    length=len(name),
                    remedy=_instead(name),
                )
            spec = METHODS[name]
            keywords = [str(keyword.key) for keyword in node.kwargs]
            takers = assigned(spec.parameters, len(node.args), keywords)
            if takers is None and name == "replace" and {*keywords} <= {*_OF_DATES}:
                raise self._of_a_date(node, at)
            if takers is None:
                raise self._misused(spec, at)
            self._check_arguments(node, spec, takers)
            return
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        if name not in FUNCTIONS:
            first = (
                node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else ""
            )
            remedy = (
                self._as_filter(name)
                or self._as_format(name, first)
                or self._as_days(name)
                or REFUSED_FUNCTIONS.get(f"{name}({first!r})", REFUSED_FUNCTIONS.get(name, ""))
            )
            if not remedy and name in FILTERS:
                remedy = f"it is a filter: x | {FILTERS[name].usage}"
            remedy = remedy or "use a filter, as in row.name | upper"
            message = f"functions cannot be called here{f': {name}' if name else ''}"
            raise self._error(message, "(", remedy=remedy)
        if not 1 <= len(node.args) <= 3 or node.kwargs:
            raise self._error(
                f"{name} is not given what it needs", name, remedy="write it so: range(1, 4)"
            )

    def _of_a_date(self, node: nodes.Call, at: int) -> TemplateError:
        """`.replace(day=1)`, which other languages have for dates."""
        parts = {str(each.key): each.value for each in node.kwargs}
        day = parts.get("day")
        first = [*parts] == ["day"] and isinstance(day, nodes.Const) and day.value == 1
        remedy = (
            "the first of its month is | month_start"
            if first
            else "a day before or after it is | days(7), | months(-1), | years(1), | month_start or | month_end"
        )
        return TemplateError("a date has no parts to replace", offset=at, length=7, remedy=remedy)

    def _as_filter(self, name: str) -> str:
        """How a call is written where a filter has that name: join(a, ', ') is a | join(', ')."""
        if name not in FILTERS:
            return ""
        called = re.search(rf"\b{name}\(([\w.]+)(?:,\s*([^()]*))?\)", self._text)
        given = f"({called[2]})" if called and called[2] else ""
        return f"write {called[1]} | {name}{given}" if called else ""

    def _as_format(self, name: str, text: object) -> str:
        """How format('{0} of {1}', a, b) is written, which GitHub Actions has: as a method of its text."""
        called = re.search(r"\bformat\(\s*('[^']*'|\"[^\"]*\")\s*,\s*([^()]*)\)", self._text)
        if name != "format" or not isinstance(text, str) or called is None:
            return ""
        return (
            f"write {called[1]}.format({called[2]})"
            if "{" in text
            else f"write {called[1]} | format({called[2]})"
        )

    def _as_days(self, name: str) -> str:
        """How `row.day - timedelta(days=7)` is written."""
        called = re.search(r"([\w.]+)\s*([-+])\s*timedelta\((?:days\s*=\s*)?(\d+)\)", self._text)
        if name != "timedelta" or called is None:
            return ""
        return f"write {called[1]} | days({'-' if called[2] == '-' else ''}{called[3]})"

    def _check_inner(self, node: nodes.Filter | nodes.Test, at: int) -> None:
        argument = node.args[0] if len(node.args) == 1 and not node.kwargs else None
        if not isinstance(argument, nodes.Const) or not isinstance(argument.value, str):
            message = f"{node.name} takes one expression as a text: {node.name}('item.price')"
            raise TemplateError(message, offset=at, length=len(node.name))
        token = next(t for t in self._tokens if t.offset > at and t.kind == "string")
        exact = literal(token.text) == token.text[1:-1] == argument.value
        try:
            inner = self._compile_inner(argument.value)
        except TemplateError as error:
            raise (error.moved(token.offset + 1) if exact else _over(token, error)) from None
        if any(part.kind == "each" for part in inner.tree.walk()):
            message = f"total and where cannot stand inside {node.name}"  # nested loops: lines x lines x ...
            raise TemplateError(message, offset=token.offset, length=len(token.text))
        for reference in inner.references:
            if reference.root != "item":
                moved = reference.moved(token.offset + 1)
                whole = Reference(moved.root, moved.path, token.offset, len(token.text))
                self.references.append(moved if exact else whole)

    def _place(self, name: str, noun: str) -> int:
        """Where the next use of a filter or test stands; they are checked in the order of the text."""
        found = named(self._tokens, name, noun)
        use = self._uses.get(f"{noun} {name}", 0)
        self._uses[f"{noun} {name}"] = use + 1
        return found[min(use, len(found) - 1)].offset if found else 0

    def _error(self, message: str, culprit: str = "", *, remedy: str = "") -> TemplateError:
        token = next((t for t in self._tokens if t.text == culprit), None)
        if culprit == "(":  # the bracket of a call follows what is called
            solid = [t for t in self._tokens if t.kind != "whitespace"]
            called = (b for a, b in itertools.pairwise(solid) if b.text == "(" and _callable(a))
            token = next(called, token)
        if token is None:
            lead = len(self._text) - len(self._text.lstrip())
            return TemplateError(
                message, offset=lead, length=len(self._text.strip()), remedy=remedy
            )
        return TemplateError(message, offset=token.offset, length=len(token.text), remedy=remedy)


_OF_DATES = ("year", "month", "day")


def _callable(token: Token) -> bool:
    return (
        (token.kind == "name" and token.text not in WORDS)
        or token.text in (")", "]")
        or token.kind == "string"
    )


def _over(token: Token, error: TemplateError) -> TemplateError:
    return TemplateError(
        error.message, offset=token.offset, length=len(token.text), remedy=error.remedy
    )


_MATCHING = {
    "search": "{of} | regex_search({given}) is not none",
    "regex": "{of} | regex_search({given}) is not none",
    "match": "{of} | regex_search({given}) is not none",
    "contains": "{given} in {of}",
}
"""Tests that Ansible has, as conditions on an element."""


def _as_where(node: nodes.Filter, name: str) -> str:
    """How elements are chosen by a test that there is not: selectattr('name', 'search', x)."""
    field = node.args[0] if node.name in ("selectattr", "rejectattr") else None
    given = node.args[2:] if field is not None else node.args[1:]
    if name not in _MATCHING or len(given) != 1:
        return ""
    of = f"item.{field.value}" if isinstance(field, nodes.Const) else "item"
    written = _dotted(given[0])
    if name == "match" and isinstance(given[0], nodes.Const):
        written = repr(f"^{given[0].value}")
    condition = _MATCHING[name].format(of=of, given=written)
    condition = f"not ({condition})" if node.name.startswith("reject") else condition
    return f'write where("{condition}")'


def _dotted(node: nodes.Expr) -> str:
    """A text or a name as it is written; x for anything else."""
    if isinstance(node, nodes.Const):
        return repr(node.value)
    if isinstance(node, nodes.Getattr):
        return f"{_dotted(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else "x"


def _unknown(
    name: str,
    noun: str,
    known: Iterable[str],
    refused: Mapping[str, str],
    at: int,
    *,
    given: Sequence[object] = (),
) -> TemplateError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=NEAR)
    remedy = with_given(refused.get(name, ""), given) or (
        f"did you mean {near[0]!r}?" if near else f"docs/jinja.md lists the {noun}s that there are"
    )
    return TemplateError(f"there is no {noun} {name!r}", offset=at, length=len(name), remedy=remedy)


def _written_out(node: nodes.Filter | nodes.Test) -> list[object]:
    """The arguments of a filter or test as far as they are written out; others are None."""
    given = [*node.args, *(keyword.value for keyword in node.kwargs)]
    return [each.value if isinstance(each, nodes.Const) else None for each in given]


def _instead(method: str) -> str:
    """What to write in place of a method that there is not."""
    if method in REFUSED_METHODS:
        return REFUSED_METHODS[method]
    if method in FILTERS:
        return f"it is a filter: | {FILTERS[method].usage}"
    near = difflib.get_close_matches(method, METHODS, n=1, cutoff=NEAR)
    return (
        f"did you mean {near[0]!r}?" if near else "docs/jinja.md lists the methods that there are"
    )
