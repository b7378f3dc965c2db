"""Bytes of a file for the formats: unpacked, and as UTF-8, in a nameless file where they were not.

A record has the same place in that file, and a retry file is written in the encoding of the input.
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
"""Unpacked bytes of a gzip file beyond which it is refused."""

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "iso-8859-1": "latin-1",
    "iso-8859-2": "iso8859-2",
    "iso-8859-15": "iso8859-15",
    "mac-roman": "mac-roman",
}
"""Values of `encoding` under `rows`, with Python's names for them."""

GUESSED = "windows-1252"
"""Encoding of undeclared text that is not UTF-8: Excel writes CSV in it in the Americas and Europe."""

GZIP, ZIP, OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_MOST_RATIO, _RATIO_FROM = 300, 64 * 1024**2
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Content:
    """Content of a file. `file` holds it, at its beginning; `digest` is the SHA-256 of the file's own bytes.

    `own` is true where `file` is a nameless one. `encoding` is Python's name of the text's encoding; `head` its first
    bytes.
    """

    file: IO[bytes]
    digest: str
    own: bool = False
    encoding: str = "utf-8"
    head: bytes = b""

    @property
    def is_archive(self) -> bool:
        """True for the beginning of a workbook, current or old."""
        return self.head.startswith((ZIP, OLE))


@dataclass
class _Scan:
    """Result of one scan of a text. `wrong` is the place of the first byte that is not UTF-8, or -1."""

    digest: str
    wrong: int = -1
    has_multibyte: bool = False


class Spool(io.BufferedRandom):
    """Nameless file, which is gone with its last user."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="runner-")
        Path(name).unlink()
        super().__init__(io.FileIO(handle, "r+b"))

    def __del__(self) -> None:
        self.close()


def unpack(file: IO[bytes], declared: str, findings: Findings) -> Content:
    """Return the content of an open file; `declared` is the encoding that the recipe names, or empty.

    Raises InvalidError for a file that is neither text nor a workbook, OSError when it cannot be read or stored.
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
    encoding = _encoding(content, scan, declared, findings)
    return content if encoding == "utf-8" else _transcode(content, encoding, findings)


def digest_of(file: IO[bytes]) -> str:
    """Return the SHA-256 of all bytes of a file, in hexadecimal; the file is at its beginning afterwards."""
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in iter(partial(file.read, CHUNK), b""):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _scan(file: IO[bytes], *, is_text: bool) -> _Scan:
    scan, digest, place = _Scan(""), hashlib.sha256(), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        # ASCII needs no decoding, unless it cuts a character of the chunk before short.
        if is_text and scan.wrong < 0 and not (chunk.isascii() and decoder.getstate() == (b"", 0)):
            pending = len(decoder.getstate()[0])
            try:
                scan.has_multibyte |= not decoder.decode(chunk).isascii()
            except UnicodeDecodeError as error:
                scan.wrong = place - pending + error.start
                scan.has_multibyte |= not error.object[: error.start].isascii()
        place += len(chunk)
    if is_text and scan.wrong < 0 and (pending := len(decoder.getstate()[0])):
        scan.wrong = place - pending
    scan.digest = digest.hexdigest()
    return scan


def _encoding(content: Content, scan: _Scan, declared: str, findings: Findings) -> str:
    """Return Python's name of the text's encoding, after a warning where it is guessed.

    The declared one wins, then the byte order mark, then UTF-8.
    """
    marked = _UTF_16.get(content.head[:2], "")
    if declared:
        return marked if marked and declared == "utf-16" else ENCODINGS[declared]
    if marked:
        return marked
    # Text with valid UTF-8 sequences before the wrong byte is damaged UTF-8, not another encoding.
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
    """Return the line that a byte is on; the file is at its beginning before and afterwards."""
    line, left = 1, place
    while left and (chunk := file.read(min(left, CHUNK))):
        line += chunk.count(b"\n")
        left -= len(chunk)
    file.seek(0)
    return line


def _transcode(content: Content, encoding: str, findings: Findings) -> Content:
    """Return the text as UTF-8 in a nameless file, with its byte order mark."""
    spool, line = Spool(), 1
    chunks = iter(partial(content.file.read, CHUNK), b"")
    try:
        for text in codecs.iterdecode(chunks, encoding):
            spool.write(text.encode())
            line += text.count("\n")
    except UnicodeDecodeError as error:
        line += error.object[: error.start].decode(encoding, "replace").count("\n")
        name = next((name for name, codec in ENCODINGS.items() if codec == encoding), "utf-16")
        message = f"is not {name} text (byte 0x{error.object[error.start]:02x})"
        findings.add(
            message, "encoding", remedy="say what it is with `encoding` under `rows`", line=line
        )
        raise findings.error() from None
    spool.seek(0)
    head = spool.read(1024)
    spool.seek(0)
    return Content(spool, content.digest, own=True, encoding=encoding, head=head)


def _gunzip(file: IO[bytes], findings: Findings) -> IO[bytes]:
    """Return the content of a gzip file, in a nameless file. Raises InvalidError for a damaged one, or a bomb."""
    spool, size, packed = Spool(), 0, 0
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
            spool.write(chunk)
    except (zlib.error, EOFError) as error:
        reason = str(error).rpartition(": ")[2]
        raise _refusal(
            f"is damaged: gzip says {reason!r}", "damaged", "copy it again", findings
        ) from None
    spool.seek(0)
    return spool


def _members(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the unpacked bytes of each member of a gzip file, in chunks."""
    unpacker, pending = zlib.decompressobj(wbits=31), b""
    while chunk := pending or file.read(CHUNK):
        yield unpacker.decompress(chunk, CHUNK)
        pending = unpacker.unconsumed_tail
        if unpacker.eof:
            # Members may be padded with zeros, as on tapes.
            pending = (unpacker.unused_data or file.read(CHUNK)).lstrip(b"\0")
            if not pending:
                return
            unpacker = zlib.decompressobj(wbits=31)
    if not unpacker.eof:
        raise EOFError("the file ends too early")


def _refusal(message: str, kind: str, remedy: str, findings: Findings) -> InvalidError:
    findings.add(message, kind, remedy=remedy)
    return findings.error()
