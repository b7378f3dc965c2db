"""Filters that give text: case, spaces, widths, parts, patterns, percent formats, JSON and URLs."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, quote_plus

from jinja2 import filters as jinja

from runner.template.environment import ENVIRONMENT
from runner.template.numbers import rounded
from runner.template.registry import (
    WRITTEN,
    Anything,
    Elements,
    Pattern,
    Textual,
    Truth,
    Whole,
    Words,
    filter_,
)
from runner.template.values import EvaluationError, Unknown, digits, kind, number, to_text
from runner.template.work import TEXT_SIZE, make

MAX_TEXT = 1_000_000
"""Characters that an expression may produce."""

_MAX_COPIES = 500_000_000
"""Characters that wrapping may move, which grows with the square of a long word."""


def bounded(text: str, where: str) -> str:
    """The text. Raises EvaluationError for one that is too long."""
    if len(text) > MAX_TEXT:
        raise EvaluationError(f"{where} makes the text too long")
    return text


def _room(characters: int, where: str) -> None:
    if characters > MAX_TEXT:
        raise EvaluationError(f"{where} makes the text too long")


@filter_("upper", gives="string", doc="text in capital letters")
def upper(value: Textual) -> str:
    return bounded(value.upper(), "upper")


@filter_("lower", gives="string", doc="text in small letters")
def lower(value: Textual) -> str:
    return bounded(value.lower(), "lower")


@filter_("title", gives="string", doc="each word with a capital first letter")
def title(value: Textual) -> str:
    return bounded(jinja.do_title(value), "title")


@filter_("capitalize", gives="string", doc="the first letter a capital, the others small")
def capitalize(value: Textual) -> str:
    return bounded(value.capitalize(), "capitalize")


@filter_(
    "trim",
    gives="string",
    doc="text without spaces, or without `chars`, at its ends",
    usage="trim or trim('-')",
)
def trim(value: Textual, chars: Words | None = None) -> str:
    return value.strip(chars)


@filter_("string", "text", gives="string", doc="the value as text")
def string(value: Textual) -> str:
    return value


@filter_("replace", gives="string", doc="text with `old` replaced by `new`, at most `count` times",
         usage="replace('old', 'new')")  # fmt: skip
def replace(value: Textual, old: Words, new: Words, count: Whole | None = None) -> str:
    if not old:
        raise EvaluationError("replace needs a text to look for")
    _room(value.count(old) * len(new) + len(value), "replace")
    return value.replace(old, new, -1 if count is None else count)


@filter_(
    "center", gives="string", doc="text in the middle of `width` characters", usage="center(40)"
)
def center(value: Textual, width: Whole = 80) -> str:
    _room(width, "center")
    return value.center(width)


@filter_("indent", gives="string", usage="indent(4)",
         doc="text with its lines moved right by `width` spaces, but for the `first` and for `blank` ones")  # fmt: skip
def indent(value: Textual, width: Anything = 4, first: Truth = False, blank: Truth = False) -> str:
    if isinstance(width, bool) or not isinstance(width, str | int):
        raise EvaluationError(f"indent needs a number or a text, not {kind(width)}")
    size = len(width) if isinstance(width, str) else width
    _room(max(0, size) * (value.count("\n") + 1) + len(value), "indent")
    found: str = jinja.do_indent(value, width, first, blank)
    return found


@filter_("truncate", gives="string", usage="truncate(30)",
         doc="text cut to `length` at a word, or anywhere with `killwords`, with `end` after it")  # fmt: skip
def truncate(
    value: Textual, length: Whole = 255, killwords: Truth = False, end: Words = "...",
    leeway: Whole | None = None,
) -> str:  # fmt: skip
    if length < len(end):
        raise EvaluationError(
            f"truncate needs a length of at least {len(end)}, which its end takes"
        )
    if leeway is not None and leeway < 0:
        raise EvaluationError("truncate needs a leeway of at least 0")
    return jinja.do_truncate(ENVIRONMENT, value, length, killwords, end, leeway)


@filter_(
    "wordwrap",
    gives="string",
    doc="text in lines of at most `width` characters",
    usage="wordwrap(40)",
)
def wordwrap(
    value: Textual, width: Whole = 79, break_long_words: Truth = True, wrapstring: Words | None = None,
    break_on_hyphens: Truth = True,
) -> str:  # fmt: skip
    if width < 1:
        raise EvaluationError("wordwrap needs a width of at least 1")
    if len(value) * len(value) // width > _MAX_COPIES:
        raise EvaluationError("wordwrap: the text is too long for lines of this width")
    _room(len(value) * (1 + len(wrapstring or "")), "wordwrap")
    return (wrapstring or "\n").join(
        (wrapstring or "\n").join(
            textwrap.wrap(
                line,
                width=width,
                expand_tabs=False,
                replace_whitespace=False,
                break_long_words=break_long_words,
                break_on_hyphens=break_on_hyphens,
            )
        )
        for line in value.splitlines()
    )


@filter_("wordcount", gives="integer", doc="the number of words")
def wordcount(value: Textual) -> int:
    return len(re.findall(r"\w+", value))


@filter_("split", gives="texts", usage="split(',')",
         doc="the parts of a text between `separator`, or between spaces, cut at most `maxsplit` times")  # fmt: skip
def split(value: Textual, separator: Words | None = None, maxsplit: Whole = -1) -> list[str]:
    if separator == "":
        raise EvaluationError("split needs a text to cut at")
    found = value.split(separator, maxsplit)
    make(len(found) * TEXT_SIZE)
    return found


_SPEC = re.compile(r"(?:(?P<fill>.)?(?P<align>[<>=^]))?(?P<sign>[-+ ])?#?(?P<zero>0)?(?P<width>[0-9]{0,6})"
                   r"(?P<comma>[,_])?(?:\.(?P<places>[0-9]{1,3}))?(?P<type>[sdifgnxXob%]?)\Z", re.DOTALL)  # fmt: skip
_PERCENT = re.compile(r"%(?:\((?P<key>[^)]*)\))?(?P<flags>[-+ #0]*)(?P<width>[0-9]*)(?:\.(?P<places>[0-9]*))?"
                      r"(?P<type>.?)", re.DOTALL)  # fmt: skip


def laid_out(value: Any, spec: str, where: str) -> str:
    """A value by a format such as `,.2f`, `>10` or `05d`, as Python has them; numbers exact, and half up."""
    found = _SPEC.match(spec)
    if found is None:
        raise EvaluationError(f"{where}: {spec!r} is no format; write it as in ',.2f' or '>10'")
    _room(int(found["width"] or 0), where)
    shape = found["type"] or ("" if isinstance(value, str | bool) or value is None else "n")
    if shape in ("", "s"):
        text = to_text(value)[: int(found["places"])] if found["places"] else to_text(value)
        return format(text, f"{found['fill'] or ''}{found['align'] or ''}{found['width']}")
    exact = number(_digits(value, where) if isinstance(value, str) else value, where)
    ends = ""
    if shape == "%":
        exact, ends = exact * 100, "%"
    if shape in "dixXob":
        if exact != int(exact):
            raise EvaluationError(f"{where} needs a whole number, not {to_text(exact)}")
        return format(int(exact), spec.replace("i", "d"))
    places = int(found["places"]) if found["places"] else 6 if shape in "f%" else -1
    exact = rounded(exact, places, where) if places >= 0 else exact
    size = f"{found['fill'] or ''}{found['align'] or ''}{found['sign'] or ''}{found['zero'] or ''}"
    width = max(0, int(found["width"]) - len(ends)) if found["width"] else ""
    return format(Decimal(exact), f"{size}{width}{found['comma'] or ''}f") + ends


def _digits(text: str, where: str) -> Decimal:
    """The number that a text is."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise EvaluationError(f"{where} needs a number, not the text {text[:40]!r}") from None


@filter_("format", gives="formatted", usage="'%s of %.2f' | format(a, b)",
         doc="a text with its `%s`, `%d` and `%.2f` filled in, in their order or by name")  # fmt: skip
def format_(value: Words, *arguments: Anything, **named: Anything) -> Any:
    if arguments and named:
        raise EvaluationError("format takes arguments by place or by name, not both")
    return filled_in(value, arguments, named=named)


def filled_in(value: str, arguments: Sequence[Any] = (), *, named: Mapping[str, Any]) -> Any:
    """A text with its places filled in, in their order or by name."""
    left = iter(arguments)
    pieces: list[Any] = []
    at = 0
    for found in _PERCENT.finditer(value):
        pieces.append(value[at : found.start()])
        at = found.end()
        pieces.append(_filled(found, left, named))
    if [*left]:
        raise EvaluationError("format is given more than its text has places for")
    pieces.append(value[at:])
    return beside(pieces, "format")


def places(text: str) -> list[str]:
    """The kinds of the places of a format, as in `%s of %.2f`, in their order; none where they have names."""
    found = [each for each in _PERCENT.finditer(text) if each["type"] != "%"]
    return (
        [] if any(each["key"] is not None for each in found) else [each["type"] for each in found]
    )


def names_of(text: str) -> list[str]:
    """The names of the places of a format, as in `%(name)s`."""
    return [each["key"] for each in _PERCENT.finditer(text) if each["key"] is not None]


def _filled(found: re.Match[str], left: Any, named: Mapping[str, Any]) -> Any:
    if found["type"] == "%":
        return "%"
    if found["type"] not in ("s", "d", "i", "f", "x", "X", "o") or not found["type"]:
        raise EvaluationError(f"format: {found[0]!r} is no place for a value; write %s, %d or %.2f")
    if found["key"] is not None:
        if found["key"] not in named:
            raise EvaluationError(f"format is not given {found['key']!r}")
        value = named[found["key"]]
    else:
        try:
            value = next(left)
        except StopIteration:
            raise EvaluationError("format is given less than its text has places for") from None
    if isinstance(value, Unknown):
        return value
    flags, width = found["flags"], found["width"]
    align = "<" if "-" in flags else ("=" if "0" in flags and found["type"] != "s" else ">")
    fill = "0" if align == "=" else ""
    sign = next((mark for mark in ("+", " ") if mark in flags and found["type"] != "s"), "")
    places = f".{found['places'] or 0}" if found["places"] is not None else ""
    if found["type"] in ("s", "f", "x", "X", "o"):
        shown = to_text(value) if found["type"] == "s" else value
        return laid_out(shown, f"{fill}{align}{sign}{width}{places}{found['type']}", "format")
    cut = rounded(number(value, "format"), 0, "format", "trunc")
    return laid_out(cut, f"{fill}{align}{sign}{width}d", "format")


def beside(pieces: Sequence[Any], where: str) -> Any:
    """Texts and unknown values side by side: a text, or unknown as soon as one is."""
    known = [piece for piece in pieces if isinstance(piece, str)]
    _room(sum(map(len, known)), where)
    return "".join(known) if len(known) == len(pieces) else Unknown.text(pieces)


@filter_("join", gives="joined", usage="join(', ')",
         doc="the texts of a list, or of the field `attribute` of its elements, with `d` between them")  # fmt: skip
def join(value: Elements, d: Words = "", attribute: Anything = None) -> Any:
    from runner.template.lists import attributes  # both rooms of filters build on each other

    found = attributes(value, attribute, "join") if attribute is not None else value
    parts = [each if isinstance(each, Unknown) else to_text(each) for each in found]
    _room(len(parts) * len(d), "join")
    return beside([piece for part in parts for piece in (d, part)][1:], "join")


@filter_(
    "urlencode",
    gives="string",
    doc="text, or the names and values of an object, as a part of a URL",
)
def urlencode(value: Anything) -> str:
    if isinstance(value, Mapping):
        pairs = [
            f"{quote_plus(to_text(key))}={quote_plus(to_text(each))}" for key, each in value.items()
        ]
        return bounded("&".join(pairs), "urlencode")
    return bounded(quote(to_text(value), safe="/"), "urlencode")


@filter_(
    "tojson",
    gives="string",
    doc="the value as JSON, decimals with all their digits",
    usage="tojson or tojson(2)",
)
def tojson(value: Anything, indent: Whole | None = None) -> str:
    if indent is not None and not 0 <= indent <= 20:
        raise EvaluationError("tojson needs an indent of 0 to 20")
    return bounded("".join(_json(value, indent, 0)), "tojson")


def _json(value: Any, indent: int | None, depth: int) -> list[str]:
    if isinstance(value, Mapping | list | tuple):
        return _nested(value, indent, depth)
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int | Decimal):
        return [digits(number(value, "tojson"))]
    return [json.dumps(to_text(value))]


def _nested(value: Any, indent: int | None, depth: int) -> list[str]:
    if depth > 100:
        raise EvaluationError("tojson: nested too deeply")
    opening, closing = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
    parts: list[list[str]]
    if isinstance(value, Mapping):
        members = sorted((to_text(key), each) for key, each in value.items())
        parts = [[json.dumps(key), ": ", *_json(each, indent, depth + 1)] for key, each in members]
    else:
        parts = [_json(each, indent, depth + 1) for each in value]
    if not parts:
        return [opening, closing]
    gap = ", " if indent is None else ",\n" + " " * (indent * (depth + 1))
    found = [opening, gap[1:] if indent is not None else ""]
    for at, part in enumerate(parts):
        found += [gap] if at else []
        found += part
    found += ["\n" + " " * (indent * depth)] if indent is not None else []
    return [*found, closing]


MAX_PATTERN = 1_000


def pattern_of(pattern: str, where: str) -> Any:
    """A pattern that is matched in a time linear in the text. Raises EvaluationError."""
    import re2  # imported on use: few recipes have patterns

    if len(pattern) > MAX_PATTERN:
        raise EvaluationError(f"{where}: a pattern of more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        shown = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise EvaluationError(f"{where}: {pattern!r} is no pattern: {shown}") from None
    except UnicodeEncodeError:
        raise EvaluationError(f"{where}: {pattern!r} has half a character") from None


WRITTEN["Pattern"] = pattern_of


@filter_("regex_replace", gives="replaced", usage="regex_replace('[^0-9]', '')",
         doc="text with what a pattern (RE2) matches replaced; `\\\\1` is its first group")  # fmt: skip
def regex_replace(
    value: Textual, pattern: Pattern, replacement: Words = "", count: Whole = 0
) -> str:
    found = pattern_of(pattern, "regex_replace")
    matches = sum(1 for _ in found.finditer(value))
    inserted = len(replacement) * matches + replacement.count("\\") * len(value)
    _room(inserted + len(value), "regex_replace")
    try:
        return bounded(found.sub(replacement, value, count), "regex_replace")
    except (re.error, IndexError, KeyError) as error:
        raise EvaluationError(
            f"regex_replace: {replacement!r} is no replacement: {error}"
        ) from None


@filter_("regex_search", gives="text or null", usage="regex_search('#([0-9]+)', 1)",
         doc="the first text that a pattern (RE2) matches, or its `group`; null where there is none")  # fmt: skip
def regex_search(value: Textual, pattern: Pattern, group: Whole = 0) -> str | None:
    compiled = pattern_of(pattern, "regex_search")
    if not 0 <= group <= compiled.groups:
        raise EvaluationError(
            f"regex_search: the pattern has {compiled.groups} groups, no group {group}"
        )
    found = compiled.search(value)
    return found.group(group) if found is not None else None
