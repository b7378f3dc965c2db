"""JSON in one piece: the objects of its array, one after the other, as lines of JSON that are read like any others.

    [{"order": "PO-1"}, {"order": "PO-2"}]                       an array of objects
    {"count": 2, "orders": [{"order": "PO-1"}, ...]}             an object that holds one array

The text is gone through a piece at a time; an object is never larger in memory than a record may be.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO

from runner.problems import InvalidError
from runner.rows.findings import Findings
from runner.rows.formats.decode import CHUNK, Spool
from runner.rows.formats.lines import MAX_RECORD_BYTES

_BLANK = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"[-+.eE0-9]")
_REMEDY = 'it has to be an array of objects, as in [{"order": "PO-1"}], or an object that holds one'


def keep_objects(file: IO[bytes], findings: Findings) -> IO[bytes]:
    """A line for each object, in a nameless file. Raises InvalidError for what is no array of objects."""
    kept = Spool()
    text = _Text(file, findings)
    first = text.sign()
    if first == "[":
        _keep(text, kept)
    elif first == "{":
        _keep_inner(text, kept)
    else:
        raise text.refusal("is neither an array nor an object", remedy=_REMEDY)
    if text.sign():
        remedy = "a file holds one array; with an object on each line, it is .jsonl"
        raise text.refusal("goes on behind its end", remedy=remedy)
    kept.seek(0)
    return kept


def _keep(text: _Text, kept: IO[bytes]) -> None:
    """The elements of the array that begins here."""
    for element in _elements(text, "[", "]"):
        kept.write(
            element.replace("\r", " ").replace("\n", " ").encode("utf-8", "surrogatepass") + b"\n"
        )


def _keep_inner(text: _Text, kept: IO[bytes]) -> None:
    """The elements of the only array that is a member of the object that begins here."""
    found: list[str] = []
    text.take("{")
    while text.sign() != "}":
        name = text.value()
        text.take(":")
        if text.sign() == "[":
            found.append(name)
            if len(found) > 1:
                message = f"holds two arrays, {found[0]} and {found[1]}"
                raise text.refusal(message, remedy="keep the one with the rows in it")
            _keep(text, kept)
        else:
            text.value()
        if text.sign() != "}":
            text.take(",")
    text.take("}")
    if not found:
        raise text.refusal("is one object, and holds no array", remedy=_REMEDY)


def _elements(text: _Text, opens: str, closes: str) -> Iterator[str]:
    text.take(opens)
    while text.sign() != closes:
        yield text.value()
        if text.sign() != closes:
            text.take(",")
            if text.sign() == closes:
                raise text.refusal("has a comma behind the last element", remedy="take it out")
    text.take(closes)


class _Text:
    """A text that is gone through from its beginning, with no more of it in memory than one value takes."""

    def __init__(self, file: IO[bytes], findings: Findings) -> None:
        self._file, self._findings = file, findings
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._line, self._ended = "", 0, 1, False
        self._json = json.JSONDecoder(parse_float=str, parse_int=str)

    def sign(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            found = _BLANK.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, sign: str) -> None:
        """Go past a sign, which has to be there."""
        found = self.sign()
        if found != sign:
            raise self.refusal(
                f"has {found!r} where {sign!r} is needed" if found else "ends too early"
            )
        self._at += 1

    def value(self) -> str:
        """The text of the value that begins here; of a member's name, the name."""
        begins = self.sign()
        while True:
            try:
                found, end = self._json.raw_decode(self._text, self._at)
            except ValueError as error:
                end, reason = -1, str(error).partition(": line")[0].lower()
            except RecursionError:
                raise self.refusal(
                    "is nested too deeply", remedy="write each row as one flat object"
                ) from None
            # A number at the end of what was read may go on.
            if end >= 0 and (
                end < len(self._text) or not _NUMBER.match(self._text[end - 1]) or self._ended
            ):
                break
            if len(self._text) - self._at > MAX_RECORD_BYTES or not self._more():
                if end >= 0:
                    break
                if len(self._text) - self._at > MAX_RECORD_BYTES:
                    raise self.refusal(
                        f"has a value of more than {MAX_RECORD_BYTES // 1024**2} MiB, or {reason}"
                    )
                raise self.refusal(f"is no JSON: {reason}")
        text, self._at = self._text[self._at : end], end
        return found if begins == '"' and isinstance(found, str) else text

    def refusal(self, message: str, *, remedy: str = "") -> InvalidError:
        """What to raise for what stands here."""
        line = self._line + self._text.count("\n", 0, self._at)
        column = self._at - self._text.rfind("\n", 0, self._at)
        self._findings.add(message, "bad-json", remedy=remedy, line=line, column=max(1, column))
        return self._findings.error()

    def _more(self) -> bool:
        """Read on; False at the end."""
        chunk = b"" if self._ended else self._file.read(CHUNK)
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise self.refusal(
                f"is not UTF-8 text (byte 0x{error.object[error.start]:02x})"
            ) from None
        self._ended = not chunk
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + text, 0
        return bool(chunk)
