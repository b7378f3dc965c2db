"""The bytes of a file as what the formats read: unpacked, and as UTF-8, in a nameless file where they were not so.

A record keeps its place in that file, and a retry file is written in the encoding that the input had.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from runner.problems import InvalidError
from runner.rows.findings import Findings

CHUNK = 1024 * 1024

MOST_UNPACKED = 16 * 1024**3
"""Bytes of a file that is packed with gzip, unpacked."""

ENCODINGS = {
    "utf-8": "utf-8", "utf-16": "utf-16-le", "windows-1250": "cp1250", "windows-1251": "cp1251",
    "windows-1252": "cp1252", "iso-8859-1": "latin-1", "iso-8859-2": "iso8859-2", "iso-8859-15": "iso8859-15",
    "mac-roman": "mac-roman",
}  # fmt: skip
"""What `encoding` under `rows` can say, and Python's names for it."""

GUESSED = "windows-1252"
"""What text is that is not UTF-8, where nobody says what it is: what Excel writes as CSV in the Americas and Europe."""

GZIP, ZIP, OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_MOST_RATIO, _RATIO_FROM = 300, 64 * 1024**2
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Content:
    """What is in a file. `file` holds it, at its beginning; `digest` is the SHA-256 of the file's own bytes.

    `own` is true where `file` is not the file itself but a nameless one. `encoding` is Python's name of what the text
    was in; `head` the first bytes of it.
    """

    file: IO[bytes]
    digest: str
    own: bool = False
    encoding: str = "utf-8"
    head: bytes = b""

    @property
    def is_archive(self) -> bool:
        """Whether it begins as a workbook does, of today or of old."""
        return self.head.startswith((ZIP, OLE))


@dataclass
class _Scan:
    """What one look at all bytes of a text shows. `wrong` is the place of the first byte that is not UTF-8, or -1."""

    digest: str
    wrong: int = -1
    has_multibyte: bool = False


class Spool(io.BufferedRandom):
    """A nameless file, which is gone when nobody uses it any more."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="runner-")
        Path(name).unlink()
        super().__init__(io.FileIO(handle, "r+b"))

    def __del__(self) -> None:
        self.close()


def unpack(file: IO[bytes], told: str, findings: Findings) -> Content:
    """What is in an open file; `told` is the encoding that the recipe names, or empty.

    Raises InvalidError for what is no text and no workbook, OSError when it cannot be read or kept.
    """
    digest = ""
    own = file.read(len(GZIP)) == GZIP
    file.seek(0)
    if own:
        digest = digest_of(file)
        file = _gunzip(file, findings)
    head = file.read(1024)
    file.seek(0)
    scan = _scan(file, is_text=not head.startswith((ZIP, OLE)))
    file.seek(0)
    content = Content(file, digest or scan.digest, own, head=head)
    if content.is_archive:
        return content
    encoding = _encoding(content, scan, told, findings)
    return content if encoding == "utf-8" else _transcode(content, encoding, findings)


def digest_of(file: IO[bytes]) -> str:
    """The SHA-256 of all bytes of a file, in hexadecimal; the file is at its beginning afterwards."""
    whole = hashlib.sha256()
    file.seek(0)
    for chunk in iter(partial(file.read, CHUNK), b""):
        whole.update(chunk)
    file.seek(0)
    return whole.hexdigest()


def _scan(file: IO[bytes], *, is_text: bool) -> _Scan:
    found, digest, place = _Scan(""), hashlib.sha256(), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        if is_text and found.wrong < 0 and not (chunk.isascii() and decoder.getstate() == (b"", 0)):
            pending = len(decoder.getstate()[0])
            try:
                found.has_multibyte |= not decoder.decode(chunk).isascii()
            except UnicodeDecodeError as error:
                found.wrong = place - pending + error.start
                found.has_multibyte |= not error.object[: error.start].isascii()
        place += len(chunk)
    if is_text and found.wrong < 0 and (pending := len(decoder.getstate()[0])):
        found.wrong = place - pending
    found.digest = digest.hexdigest()
    return found


def _encoding(content: Content, scan: _Scan, told: str, findings: Findings) -> str:
    """Python's name of what the text is in: what is told, its byte order mark, UTF-8, or else a guess that is told."""
    marked = _UTF_16.get(content.head[:2], "")
    if told:
        return marked if marked and told == "utf-16" else ENCODINGS[told]
    if marked:
        return marked
    if scan.wrong < 0 or scan.has_multibyte or b"\0" in content.head:
        return "utf-8"
    content.file.seek(scan.wrong)
    byte = content.file.read(1)[0]
    content.file.seek(0)
    line = _line_of(content.file, scan.wrong)
    remedy = "say what it is with `encoding` under `rows`, or save it as CSV UTF-8"
    message = f"is not UTF-8 text (byte 0x{byte:02x}) and is read as Windows-1252"
    findings.warn(message, "encoding", remedy=remedy, line=line)
    return ENCODINGS[GUESSED]


def _line_of(file: IO[bytes], place: int) -> int:
    """The line that a byte is on; the file is at its beginning before and afterwards."""
    line, left = 1, place
    while left and (chunk := file.read(min(left, CHUNK))):
        line += chunk.count(b"\n")
        left -= len(chunk)
    file.seek(0)
    return line


def _transcode(content: Content, encoding: str, findings: Findings) -> Content:
    """The text as UTF-8 in a nameless file; a byte order mark stays a byte order mark."""
    kept, line = Spool(), 1
    chunks = iter(partial(content.file.read, CHUNK), b"")
    try:
        for text in codecs.iterdecode(chunks, encoding):
            kept.write(text.encode())
            line += text.count("\n")
    except UnicodeDecodeError as error:
        line += error.object[: error.start].decode(encoding, "replace").count("\n")
        name = next((name for name, codec in ENCODINGS.items() if codec == encoding), "utf-16")
        message = f"is not {name} text (byte 0x{error.object[error.start]:02x})"
        findings.add(
            message, "encoding", remedy="say what it is with `encoding` under `rows`", line=line
        )
        raise findings.error() from None
    kept.seek(0)
    head = kept.read(1024)
    kept.seek(0)
    return Content(kept, content.digest, own=True, encoding=encoding, head=head)


def _gunzip(file: IO[bytes], findings: Findings) -> IO[bytes]:
    """What a file packed with gzip holds, in a nameless file. Raises InvalidError when it is damaged, or a bomb."""
    kept, size, packed = Spool(), 0, 0
    try:
        for chunk in _members(file):
            size += len(chunk)
            packed = file.tell()
            if size > MOST_UNPACKED or (size > _RATIO_FROM and size > _MOST_RATIO * packed):
                message = (
                    f"unpacks to more than {size // 1024**2:,} MiB from {packed // 1024:,} KiB"
                )
                raise _refusal(
                    message, "too-large", "unpack it yourself, and look at what it is", findings
                )
            kept.write(chunk)
    except (zlib.error, EOFError) as error:
        reason = str(error).rpartition(": ")[2]
        raise _refusal(
            f"is damaged: gzip says {reason!r}", "damaged", "copy it again", findings
        ) from None
    kept.seek(0)
    return kept


def _members(file: IO[bytes]) -> Iterator[bytes]:
    """The unpacked bytes of each member of a gzip file, a piece at a time."""
    unpacker, pending = zlib.decompressobj(wbits=31), b""
    while chunk := pending or file.read(CHUNK):
        yield unpacker.decompress(chunk, CHUNK)
        pending = unpacker.unconsumed_tail
        if unpacker.eof:
            pending = (unpacker.unused_data or file.read(CHUNK)).lstrip(b"\0")
            if not pending:
                return
            unpacker = zlib.decompressobj(wbits=31)
    if not unpacker.eof:
        raise EOFError("the file ends too early")


def _refusal(message: str, kind: str, remedy: str, findings: Findings) -> InvalidError:
    findings.add(message, kind, remedy=remedy)
    return findings.error()
