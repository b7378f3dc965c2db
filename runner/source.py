"""Parser of YAML into data with positions: one safe parse, in the only module that uses PyYAML.

Scalars follow the core schema of YAML 1.2 (`NO` is text, there are no dates, and 010 is not octal), with two
exceptions that preserve identifiers and money: digits with a leading zero stay text, and numbers with a fraction or
an exponent are `Decimal`. Duplicate keys, aliases, merges, tags and keys that are not text are refused, each with
its place. Size and depth are checked on the event stream, before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from runner.positions import line_at, lines_of, offsets
from runner.problems import InvalidError, Problem, shortened

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_EVENTS = 50_000
"""Maximum number of values, keys and brackets per `MAX_BYTES`; more in proportion where more bytes are allowed."""

# A base loader leaves scalars as text: their types are decided below, not by tags.
Loader: type[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
TreePath = tuple[str | int, ...]

_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_CONSTANTS: Mapping[str, Any] = {**_BOOL, **dict.fromkeys(["null", "Null", "NULL", "~", ""])}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_OTHER_BASE = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FRACTION = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_HUGE = re.compile(r"[eE][-+]?0*[1-9][0-9]{2}")
_UNQUOTED_TEMPLATE = 'quote template brackets: "{{ ... }}"'
_NOT_YAML = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_NOT_PLAIN = re.compile(r"[^\t\n\r\x20-\x7e]")
"""The same for ASCII text: the other pattern takes longer to compile than a recipe to read."""

_WORDS = (
    ("did not find expected ','", "this bracket is never closed, or a comma is missing", ""),
    ("quoted scalar found unexpected end", "the quote is never closed", ""),
    ("cannot start any token", "nothing can begin with this character", "quote the text"),
    (
        "did not find expected key",
        "a key is needed here",
        "check the indentation, and the quotes before it",
    ),
    ("did not find expected '-'", "'- ' is needed here", "check the indentation"),
    (
        "mapping values are not allowed",
        "':' is not allowed here",
        "check the indentation, or quote the text",
    ),
    ("could not find expected ':'", "this line has no ':'", "write ': ' after the key"),
    ("did not find expected node content", "a value is missing here", ""),
    (
        "expected a single document",
        "a second document begins here",
        "keep each recipe in a file of its own",
    ),
)


class Place(NamedTuple):
    """A position: line and column from 1, and the length in characters on that line."""

    line: int
    column: int
    length: int = 1


class Source(NamedTuple):
    """A parsed document: its data, and the position of each part of it in the text."""

    file: str
    text: str
    data: Any
    lines: Sequence[str]
    root: yaml.Node | None
    number_keys: bool = False
    renamed: Mapping[TreePath, str] = MappingProxyType({})
    """The keys as the text has them, by the paths of those that stand in their place in the data."""
    respelt: Mapping[TreePath, tuple[tuple[int, int, int], ...]] = MappingProxyType({})
    """What stands in place of parts of a scalar, by its path: offset, length, and length of the part, in order."""

    def value(self, path: TreePath) -> Place:
        """Return the place of the value at `path`, or of the nearest node above it if there is none."""
        return _place(self._node(path)[0])

    def key(self, path: TreePath) -> Place:
        """Return the place of the key (or sequence entry) that `path` ends with."""
        return _place(self._node(path)[1])

    def within(self, path: TreePath, offset: int, length: int) -> Place:
        """Return the place of `length` characters at `offset` inside the scalar at `path`."""
        node = self._node(path)[0]
        if not isinstance(node, yaml.ScalarNode):
            return _place(node)
        for at, now, before in reversed(self.respelt.get(path, ())):
            offset -= max(0, min(now, offset - at) - before) if offset < at + now else now - before
        raw = self.text[node.start_mark.index : node.end_mark.index]
        index = offsets(raw, node.value, style=node.style or "")
        if offset < len(index):
            at = node.start_mark.index + index[offset]
        else:
            # Behind the last character, as of an unexpected end.
            at = node.start_mark.index + (index[-1] + 1 if index else 0)
        after = offset + max(1, length)
        end = node.start_mark.index + index[after] if after < len(index) else at + length
        line, start = line_at(self.text, at)
        return Place(line + 1, at - start + 1, max(1, min(end, start + len(self.lines[line])) - at))

    def problem(
        self, place: Place, message: str, kind: str, *, remedy: str = "", severity: str = "error"
    ) -> Problem:
        """Return a problem of this file at `place`, with the line to draw. Long texts are shortened."""
        excerpt = self.lines[place.line - 1] if 0 < place.line <= len(self.lines) else ""
        message, remedy = shortened(message), shortened(remedy)
        return Problem(
            self.file,
            place.line,
            place.column,
            message,
            kind,
            remedy,
            place.length,
            excerpt,
            severity,
        )

    def _node(self, path: TreePath) -> tuple[yaml.Node | None, yaml.Node | None]:
        """The value node and the key node of `path`, or the nearest ones above it."""
        node = key = self.root
        for at, part in enumerate(path, 1):
            found = None
            if isinstance(node, yaml.MappingNode):
                written = self.renamed.get(path[:at], part) if self.renamed else part
                found = next(((k, v) for k, v in node.value if k.value == written), None)
            elif (
                isinstance(node, yaml.SequenceNode)
                and isinstance(part, int)
                and part < len(node.value)
            ):
                found = (node.value[part], node.value[part])
            if found is None:
                break
            key, node = found
        return node, key


def read(
    path: Path,
    *,
    name: str | None = None,
    max_bytes: int = MAX_BYTES,
    number_keys: bool = False,
    ours: bool = False,
) -> Source:
    """Parse the file at `path`. `name` is its name in messages. Raises InvalidError with every problem.

    With `number_keys`, a key that looks like a number (`200:`) is text, as written. A file of `ours` is
    known to have no aliases, no tags and a limited size: it is not checked.
    """
    shown = name or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if isinstance(error, FileNotFoundError):
            reason = "no such file"
        problem = Problem(shown, 1, 1, f"cannot be read: {reason}", "unreadable")
        raise InvalidError([problem]) from None
    if len(raw) > max_bytes:
        message = f"larger than {max_bytes // 1024} KiB"
        raise InvalidError([Problem(shown, 1, 1, message, "too-large", "split it up")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidError([_encoding_problem(shown, error)]) from None
    events = MAX_EVENTS * max(1, max_bytes // MAX_BYTES)
    return parse(text, file=shown, max_events=None if ours else events, number_keys=number_keys)


def _encoding_problem(file: str, error: UnicodeDecodeError) -> Problem:
    before = error.object[: error.start].decode()
    line, start = line_at(before, len(before))
    message = f"not UTF-8 text (byte 0x{error.object[error.start]:02x})"
    column = len(before) - start + 1
    return Problem(file, line + 1, column, message, "encoding", "save it as UTF-8")


def parse(
    text: str, *, file: str, max_events: int | None = MAX_EVENTS, number_keys: bool = False
) -> Source:
    """Parse YAML `text`. Raises InvalidError with every problem.

    Without `max_events`, size and depth are not limited.
    """
    text = text.removeprefix("\ufeff")
    bare = Source(file, text, None, lines_of(text), None, number_keys)
    if match := _NOT_PLAIN.search(text) if text.isascii() else re.search(_NOT_YAML, text):
        line, start = line_at(text, match.start())
        message = f"a character that YAML does not allow: {match.group()!a}"
        place = Place(line + 1, match.start() - start + 1)
        raise InvalidError([bare.problem(place, message, "yaml-syntax")])
    try:
        if max_events is not None:
            _check_events(bare, max_events)
        root = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise InvalidError([_syntax_problem(bare, error)]) from None
    problems: list[Problem] = []
    data = _build(root, bare, problems) if root is not None else None
    if problems:
        raise InvalidError(problems)
    return bare._replace(data=data, root=root)


def _check_events(source: Source, max_events: int) -> None:
    """Raise InvalidError for aliases, anchors, tags, and size or depth beyond the limits."""
    depth = 0
    for count, event in enumerate(yaml.parse(source.text, Loader=Loader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        tag = getattr(event, "tag", None)
        if getattr(event, "anchor", None):
            what = "aliases" if isinstance(event, yaml.AliasEvent) else "anchors"
            wrong = (f"{what} are not allowed", "alias", "write the value out")
        elif tag:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            wrong = (
                f"tag {shown!r} is not allowed",
                "tag",
                "leave the tag out; quote a value to make it text",
            )
        elif depth > MAX_DEPTH:
            wrong = (f"nested deeper than {MAX_DEPTH} levels", "too-deep", "")
        elif count > max_events:
            wrong = ("too many values", "too-large", "split it up")
        else:
            continue
        mark: Any = event.start_mark
        place = Place(mark.line + 1, mark.column + 1)
        raise InvalidError([source.problem(place, wrong[0], wrong[1], remedy=wrong[2])])


def _build(node: yaml.Node, source: Source, problems: list[Problem]) -> Any:
    """Return plain data from a node tree; its problems are added to `problems`."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, source, problems)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, source, problems)
    return [_build(child, source, problems) for child in node.value]


def _mapping(
    node: yaml.MappingNode, source: Source, problems: list[Problem]
) -> dict[str, Any] | None:
    data: dict[str, Any] = {}
    seen: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            quoting = "{{" in source.text[node.start_mark.index : node.end_mark.index]
            remedy = _UNQUOTED_TEMPLATE if quoting else "write a word as the key"
            problem = source.problem(_place(node), "a key has to be text", "key", remedy=remedy)
            problems.append(problem)
            return None
        name = key.value
        if name == "<<" and not key.style:
            message, remedy = "merge keys are not allowed", "write the values out"
            problems.append(source.problem(_place(key), message, "alias", remedy=remedy))
        # `null:` is the former name of a key of recipes.
        elif name != "null" and not _is_key(key, source, problems):
            message = f"a key has to be text, not {name!r}"
            problems.append(
                source.problem(_place(key), message, "key", remedy=f"quote it: '{name}'")
            )
        elif name in seen:
            message = f"{name!r} is already given on line {seen[name]}"
            problems.append(
                source.problem(_place(key), message, "duplicate-key", remedy="keep one of the two")
            )
        else:
            seen[name] = key.start_mark.line + 1
            data[name] = _build(value, source, problems)
            continue
        _build(value, source, problems)
    return data


def _is_key(node: yaml.ScalarNode, source: Source, problems: list[Problem]) -> bool:
    value = _scalar(node, source, problems)
    return isinstance(value, str) or (
        source.number_keys and isinstance(value, int) and not isinstance(value, bool)
    )


def _scalar(node: yaml.ScalarNode, source: Source, problems: list[Problem]) -> Any:
    """Return the value of a scalar; one that is quoted, or in block style, is text."""
    text: str = node.value
    if node.style:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > 400 or text[0] not in "-+.0123456789":
        return text
    if _INT.match(text):
        return int(text)
    if _OTHER_BASE.match(text):
        return int(text, 0)
    if _FRACTION.match(text) and not _HUGE.search(text):
        return Decimal(text)
    if _FRACTION.match(text) or _NOT_FINITE.match(text):
        message = f"{text} is not a number that a request can carry"
        remedy = f"quote it to send it as text: '{text}'"
        problems.append(source.problem(_place(node), message, "number", remedy=remedy))
    return text


def _place(node: yaml.Node | None) -> Place:
    if node is None:
        return Place(1, 1)
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, length))


def _syntax_problem(source: Source, error: yaml.YAMLError) -> Problem:
    """Return the problem for a syntax error, in the words of _WORDS where they have it."""
    mark, context = (getattr(error, f"{which}_mark", None) for which in ("problem", "context"))
    texts = (getattr(error, "context", None), getattr(error, "problem", None))
    original = " ".join(filter(None, texts))
    message, remedy = next(
        ((m, r) for known, m, r in _WORDS if known in original), (original or str(error), "")
    )
    # The place where it begins helps more than the place where the parser gave up.
    if "never closed" in message or "has no ':'" in message:
        mark = context or mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    text = source.lines[line] if line < len(source.lines) else ""
    if "{{" in text and "'{{" not in text and '"{{' not in text:
        remedy = _UNQUOTED_TEMPLATE
    if "\t" in text[: len(text) - len(text.lstrip())]:
        remedy = "indent with blanks, not tabs"
    place = Place(line + 1, column + 1)
    return source.problem(place, f"not valid YAML: {message}", "yaml-syntax", remedy=remedy)
