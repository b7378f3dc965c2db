"""Shared strings of a workbook, stored in a nameless file: a million lines can have millions of them."""

from __future__ import annotations

import os
import re
import zipfile
from array import array
from collections.abc import Iterable, Iterator

from runner.rows.findings import Findings
from runner.rows.formats.decode import Spool
from runner.rows.formats.xlsx.archive import MOST_TEXT, STRINGS, bomb, damaged, read_part

_ITEM = re.compile(
    rb"<(?:\w++:)?si(?=[\s/>])[^<>]*+>(?:(?<=/>)|(?>.*?<(?=/?(?:\w++:)?si[\s/>]))/(?:\w++:)?si>)",
    re.DOTALL,
)
_NONE = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">', b"</sst>"
_ROOT = re.compile(rb"<((?:\w++:)?)sst\b")


class Strings:
    """Shared texts of a workbook by number, as XML; eight bytes of each are in memory.

    Raises InvalidError for a part that differs from the archive's directory.
    """

    def __init__(self, archive: zipfile.ZipFile, findings: Findings) -> None:
        self._findings = findings
        self._spool, self._places = Spool(), array("Q", [0])
        self._head, self._tail = _NONE
        if STRINGS in archive.namelist():
            self._store(read_part(archive, STRINGS, findings))
            self._spool.flush()

    def part(self, numbers: Iterable[int]) -> bytes:
        """Return a part of a workbook with these texts alone, in this order."""
        # Adjacent texts, from `first` to before `behind`, are read at once.
        texts, first, behind = [self._head], 0, 0
        for number in numbers:
            if number + 1 >= len(self._places):
                raise damaged(
                    f"a cell has the text {number}, and there are {len(self._places) - 1}",
                    self._findings,
                )
            if number != behind:
                texts.append(self._read(first, behind))
                first = number
            behind = number + 1
        return b"".join([*texts, self._read(first, behind), self._tail])

    def _read(self, first: int, behind: int) -> bytes:
        start, end = self._places[first], self._places[behind]
        return os.pread(self._spool.fileno(), end - start, start) if end > start else b""

    def _store(self, chunks: Iterator[bytes]) -> None:
        left, size = b"", 0
        for chunk in chunks:
            left, end = left + chunk, 0
            for match in _ITEM.finditer(left):
                if len(self._places) == 1 and not size:
                    self._begin(left[: match.start()])
                size += self._spool.write(match[0])
                self._places.append(size)
                end = match.end()
            left = left[end:]
            if len(left) > MOST_TEXT:
                raise bomb(f"has a text of more than {len(left) // 1024**2} MiB", self._findings)
        if b"<si" in left or b":si" in left:
            raise damaged(f"{STRINGS} ends in the middle of a text", self._findings)

    def _begin(self, head: bytes) -> None:
        """Store the XML before the first text, and the namespace prefix of its elements."""
        root = _ROOT.search(head)
        if root is None:
            raise damaged(f"{STRINGS} has no texts where they should be", self._findings)
        self._head, self._tail = head, b"</%ssst>" % root[1]
