"""Answers: exact JSON, lists taken from their envelopes, and errors shortened to one line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from runner.catalogue.ids import is_id
from runner.catalogue.operation import Failure, Operation
from runner.catalogue.paging import Page
from runner.catalogue.schemas.schema import types_of
from runner.catalogue.values.scalars import MAX_DIGITS
from runner.problems import printable

if TYPE_CHECKING:
    import simplejson

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
"""Values of an answer, members and elements alike: they take far more time and memory than their bytes."""
MAX_LINE = 300
"""Characters of an error that are shown."""

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
_MARKS = (b"{", b"[", b",")
_DIGITS = re.compile(r"[1-9][0-9]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class AnswerError(Exception):
    """A 2xx answer that cannot be used. `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeclaredFailure(AnswerError):  # noqa: N818 - the API's own word for what happened
    """A 2xx answer in which the API reports that the call failed: nothing was done.

    `code` is the API's own, "" without one; `credentials` when it means the same as a 401.
    """

    def __init__(self, reason: str, *, code: str = "", credentials: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.credentials = credentials


def read_answer(operation: Operation, *, status: int, content_type: str, content: bytes) -> Any:
    """Return the answer of a 2xx: a Page for lists, else the object ({} where a write reports no id).

    Raises AnswerError when the answer differs from the operation's document, DeclaredFailure when it is the failure
    that the document declares, or reports errors under a status that the document does not list.
    """
    if not 200 <= status <= 299:
        raise ValueError(f"{status} is not a success")
    if not operation.lists(status):
        raise _unlisted(operation, status, content)
    if _is_html(content_type, content):
        raise AnswerError("the answer is an HTML page, not JSON")
    if not content.strip():
        if operation.effect == "read" or operation.id_field:
            raise AnswerError("the answer is empty")
        return {}
    data = parse_json(content)
    if operation.failure:
        _check_failure(data, operation.failure)
    if operation.items:
        return _page(operation, data)
    if not isinstance(data, dict):
        raise AnswerError(f"the answer is {_kind(data)}, not an object")
    if operation.id_field or (operation.effect == "create" and "id" in data):
        name = operation.id_field or "id"
        _check_id(data.get(name), name)
        if data[name] != (value := _typed_id(operation, data[name], name)):
            return {**data, name: value}
    return data


def parse_json(content: bytes) -> Any:
    """Return JSON with exact decimals. Raises AnswerError for anything else, and for a repeated key."""
    # Imported on use: checking a recipe reads no answers.
    import simplejson

    if content.count(b"[") + content.count(b"{") > MAX_DEPTH and _depth(content) > MAX_DEPTH:
        raise AnswerError(f"the answer is nested deeper than {MAX_DEPTH} levels")
    if sum(map(content.count, _MARKS)) > MAX_VALUES and _has_many(content):
        raise AnswerError(f"the answer has more than {MAX_VALUES:,} values")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AnswerError("the answer is not UTF-8 text") from None
    try:
        data = _decoder().decode(text)
    except simplejson.JSONDecodeError as error:
        raise AnswerError(f"the answer is not JSON: {error.msg} at character {error.pos}") from None
    # Only an escape can produce half a surrogate pair: UTF-8 cannot encode one.
    return _repaired(data) if b"\\u" in content and _has_surrogate(data) else data


@cache
def _decoder() -> simplejson.JSONDecoder:
    import simplejson

    return simplejson.JSONDecoder(
        object_pairs_hook=_object,
        parse_float=_decimal,
        parse_int=_integer,
        parse_constant=_constant,
    )


def describe_error(content_type: str, content: bytes, *, failure: Failure | None = None) -> str:
    """Return one line for people from the body of an error; `failure` names the API's own fields for it."""
    if _is_html(content_type, content):
        return "an HTML page"
    try:
        data = parse_json(content)
        text = (_reason(data, failure) if failure else "") or _error_text(data)
    except AnswerError:
        text = ""
    if not text:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return f"{len(content)} bytes that are not text"
    return _line(text) or "no explanation"


def _line(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 3] + "..."


def _check_failure(data: Any, failure: Failure) -> None:
    """Raise DeclaredFailure when the answer reports a failure, AnswerError when a success lacks its mark."""
    state, code = _inside(data, failure.field), _inside(data, failure.code)
    if failure.success and state is None and code is None:
        raise AnswerError(f"the answer has no {failure.code!r}, without which it is no success")
    # The state decides; the code is the fallback where an answer has no state.
    failed = state in failure.values
    if state is None and code is not None and failure.success:
        failed = code not in failure.success
    if failed:
        shown = code if isinstance(code, int | str) else None
        raise DeclaredFailure(
            _reason(data, failure) or "the API says that the call failed, and not why",
            code="" if shown is None else str(shown),
            credentials=shown in failure.credentials,
        )


def _reason(data: Any, failure: Failure) -> str:
    """Return the API's code and message of a failure."""
    parts = [_inside(data, place) for place in (failure.code, failure.message)]
    return _line(
        ": ".join(str(part) for part in parts if isinstance(part, str | int) and str(part).strip())
    )


def _inside(data: Any, place: str) -> Any:
    """Return the value at a dotted place, or None."""
    node = data
    for part in place.split(".") if place else ():
        node = node.get(part) if isinstance(node, dict) else None
    return node if place else None


def _page(operation: Operation, data: Any) -> Page:
    """Return the list of an answer: in its envelope, bare, or a single object where a list is expected."""
    envelope = data if isinstance(data, dict) and operation.items != "*" else {}
    if isinstance(data, list):
        entries: Any = data
    elif operation.items == "*":
        entries = _lone(data)
    elif operation.items in envelope:
        entries = envelope[operation.items]
    else:
        raise AnswerError(f"the answer has no {operation.items!r}")
    total, following = _at(envelope, operation, "total"), _at(envelope, operation, "next")
    count = total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None
    # Some APIs write null for an empty list, and one object for a list of one.
    if entries is None and not count:
        entries = []
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AnswerError("the answer holds something else than a list of objects")
    return Page(
        entries, count, following if isinstance(following, str) and following.strip() else None
    )


def _lone(data: Any) -> list[Any]:
    """Return the single object that an API sends instead of a list of one.

    Raises AnswerError for one that contains a list: it is more likely an envelope, and is not guessed at.
    """
    if not isinstance(data, dict):
        raise AnswerError(f"the answer is {_kind(data)}, not a list")
    inner = [name for name, value in data.items() if isinstance(value, list)]
    if inner:
        raise AnswerError(
            f"the answer is an object with {inner[0]!r}, not a list; x-runner-items may have to name it"
        )
    return [data]


def _at(envelope: Mapping[str, Any], operation: Operation, what: str) -> Any:
    return _inside(envelope, getattr(operation.pagination, what, ""))


def _check_id(value: Any, name: str) -> None:
    if value is None or value == "":
        raise AnswerError(f"the answer has no {name!r}")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise AnswerError(f"the answer has {_kind(value)} as its {name!r}")
    if not is_id(value):
        raise AnswerError(f"the answer has {_line(str(value))!r} as its {name!r}, which is no id")


def _typed_id(operation: Operation, value: Any, name: str) -> Any:
    """Return an id as the document has it: the digits of a whole number are that number.

    Another spelling of a number, as "0101", is no id where whole numbers are: it would name nothing in a path.
    """
    types = types_of(operation.id_schema)
    if not isinstance(value, str) or "integer" not in types or "string" in types:
        return value
    if _DIGITS.fullmatch(value) and len(value) <= MAX_DIGITS:
        return int(value)
    with suppress(InvalidOperation):
        Decimal(value)
        raise AnswerError(f"the answer has {_line(value)!r} as its {name!r}, which is no id")
    return value


def _unlisted(operation: Operation, status: int, content: bytes) -> AnswerError:
    """Return the error for a success status that the document does not list.

    It is a DeclaredFailure where the answer reports errors and nothing else: then nothing was created.
    """
    try:
        data = parse_json(content)
    except AnswerError:
        data = None
    named = isinstance(data, dict) and is_id(data.get(operation.id_field or "id"))
    if _only_errors(data) and not named:
        return DeclaredFailure(f"{status} {_line(_error_text(data)) or 'with errors'}")
    return AnswerError(
        f"the document of {operation.api} lists no {status} for {operation.name}; "
        "an overlay can add it, if it is a success"
    )


def _only_errors(data: Any) -> bool:
    """Return whether an answer reports errors and none of its entries is without one."""
    entries = data if isinstance(data, list) else []
    failed = not isinstance(data, list) and _has_errors(data)
    if isinstance(data, dict):
        lists = (
            value for name, value in data.items() if isinstance(value, list) and name != "errors"
        )
        entries = [entry for value in lists for entry in value]
    return (failed or bool(entries)) and all(map(_has_errors, entries))


def _has_errors(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    status = entry.get("status")
    refused = isinstance(status, int) and not isinstance(status, bool) and status >= 400
    return refused or bool(entry.get("errors") or entry.get("error"))


def _error_text(data: Any) -> str:
    """Return the messages of an error body: those of its fields first, else its own."""
    if not isinstance(data, dict):
        return data if isinstance(data, str) else ""
    fields = data.get("errors")
    if isinstance(fields, dict) and fields:
        parts = [
            f"{name}: {text}" if name else text
            for name, value in fields.items()
            for text in _texts(value)
        ]
    else:
        parts = list(_texts(fields))
    if not parts:
        parts = [
            data[key]
            for key in ("detail", "message", "error", "title")
            if isinstance(data.get(key), str)
        ][:1]
    return "; ".join(parts)


def _texts(value: Any) -> Iterable[str]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict):
            yield from [
                entry[key]
                for key in ("message", "detail", "title")
                if isinstance(entry.get(key), str)
            ][:1]


def _is_html(content_type: str, content: bytes) -> bool:
    # Proxies and login pages often send HTML under another type.
    return "html" in content_type.lower() or content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _kind(value: Any) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        type(None): "null",
    }
    return kinds.get(type(value), "a number")


def _depth(content: bytes) -> int:
    # Counted in the text: parsing it first could exhaust the stack.
    depth = deepest = 0
    for token in _TOKENS.finditer(content):
        if token[0] in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in b"]}":
            depth -= 1
    return deepest


def _has_many(content: bytes) -> bool:
    """Return whether an answer has more than MAX_VALUES values, none of them in a text."""
    marks = (token for token in _TOKENS.finditer(content) if token[0] in _MARKS)
    return next(islice(marks, MAX_VALUES, None), None) is not None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise AnswerError(f"the answer has the key {counts.most_common(1)[0][0]!r} twice")
    return result


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise AnswerError("the answer has a number of too many digits") from None
    if len(text) > MAX_DIGITS or abs(value.adjusted()) > MAX_DIGITS:
        raise AnswerError("the answer has a number of too many digits")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise AnswerError("the answer has a number of too many digits")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise AnswerError(f"the answer has {text}, which is not a JSON number")


def _has_surrogate(data: Any) -> bool:
    if isinstance(data, str):
        return bool(_SURROGATE.search(data))
    if isinstance(data, dict):
        return any(_has_surrogate(name) or _has_surrogate(value) for name, value in data.items())
    return isinstance(data, list) and any(map(_has_surrogate, data))


def _repaired(data: Any) -> Any:
    """Return data with each lone surrogate as the replacement character.

    An API that cuts a text in the middle of a surrogate pair sends such halves.
    """
    if isinstance(data, str):
        return _SURROGATE.sub("\ufffd", data)
    if isinstance(data, dict):
        return {_repaired(name): _repaired(value) for name, value in data.items()}
    return [_repaired(entry) for entry in data] if isinstance(data, list) else data
