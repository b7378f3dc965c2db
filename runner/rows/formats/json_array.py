"""JSON in one piece: the objects of its array, converted to JSON Lines.

    [{"order": "PO-1"}, {"order": "PO-2"}]                       an array of objects
    {"count": 2, "orders": [{"order": "PO-1"}, ...]}             an object that holds one array

The text is parsed in chunks; an object takes no more memory than a record may.
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

_SPACES = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"[-+.eE0-9]")
_REMEDY = 'it has to be an array of objects, as in [{"order": "PO-1"}], or an object that holds one'


def spool_objects(file: IO[bytes], findings: Findings) -> IO[bytes]:
    """Return a line for each object, in a nameless file. Raises InvalidError for a text without an array of objects."""
    spool = Spool()
    text = _Text(file, findings)
    first = text.sign()
    if first == "[":
        _spool(text, spool)
    elif first == "{":
        _spool_inner(text, spool)
    else:
        raise text.refusal("is neither an array nor an object", remedy=_REMEDY)
    if text.sign():
        remedy = "a file holds one array; with an object on each line, it is .jsonl"
        raise text.refusal("goes on behind its end", remedy=remedy)
    spool.seek(0)
    return spool


def _spool(text: _Text, spool: IO[bytes]) -> None:
    """Write the elements of the array that begins here."""
    for element in _elements(text, "[", "]"):
        # Line breaks between tokens are spaces; inside strings JSON has none.
        line = element.replace("\r", " ").replace("\n", " ")
        spool.write(line.encode("utf-8", "surrogatepass") + b"\n")


def _spool_inner(text: _Text, spool: IO[bytes]) -> None:
    """Write the elements of the only array that is a member of the object that begins here."""
    arrays: list[str] = []
    text.take("{")
    while text.sign() != "}":
        name = text.value()
        text.take(":")
        if text.sign() == "[":
            arrays.append(name)
            if len(arrays) > 1:
                message = f"holds two arrays, {arrays[0]} and {arrays[1]}"
                raise text.refusal(message, remedy="keep the one with the rows in it")
            _spool(text, spool)
        else:
            text.value()
        if text.sign() != "}":
            text.take(",")
    text.take("}")
    if not arrays:
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
    """Text that is parsed from its beginning, with no more of it in memory than one value takes."""

    def __init__(self, file: IO[bytes], findings: Findings) -> None:
        self._file, self._findings = file, findings
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._line, self._ended = "", 0, 1, False
        # Numbers are only located here: as texts they have no limits of digits.
        self._json = json.JSONDecoder(parse_float=str, parse_int=str)

    def sign(self) -> str:
        """Return the next character that is no space; empty at the end."""
        while True:
            match = _SPACES.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, sign: str) -> None:
        """Skip a character, which has to be next."""
        actual = self.sign()
        if actual != sign:
            raise self.refusal(
                f"has {actual!r} where {sign!r} is needed" if actual else "ends too early"
            )
        self._at += 1

    def value(self) -> str:
        """Return the text of the value that begins here; for the name of a member, the name."""
        begins = self.sign()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except ValueError as error:
                end, reason = -1, str(error).partition(": line")[0].lower()
            except RecursionError:
                raise self.refusal(
                    "is nested too deeply", remedy="write each row as one flat object"
                ) from None
            # A number at the end of the chunk may continue in the next.
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
        return value if begins == '"' and isinstance(value, str) else text

    def refusal(self, message: str, *, remedy: str = "") -> InvalidError:
        """Return the error for the current position."""
        line = self._line + self._text.count("\n", 0, self._at)
        column = self._at - self._text.rfind("\n", 0, self._at)
        self._findings.add(message, "bad-json", remedy=remedy, line=line, column=max(1, column))
        return self._findings.error()

    def _more(self) -> bool:
        """Read the next chunk; return False at the end."""
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
