"""The texts that the cells of a workbook share, kept in a nameless file: a million lines can have millions of them."""

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
    """The texts of a workbook by number, as they stand in it; eight bytes for each stay in memory.

    Raises InvalidError for a part that is not what the archive says it is.
    """

    def __init__(self, archive: zipfile.ZipFile, findings: Findings) -> None:
        self._findings = findings
        self._kept, self._places = Spool(), array("Q", [0])
        self._head, self._tail = _NONE
        if STRINGS in archive.namelist():
            self._keep(read_part(archive, STRINGS, findings))
            self._kept.flush()

    def part(self, numbers: Iterable[int]) -> bytes:
        """The part of a workbook that has these texts alone, in this order."""
        texts, first, behind = [self._head], 0, 0
        for number in numbers:
            if number + 1 >= len(self._places):
                raise damaged(
                    f"a cell has the text {number}, and there are {len(self._places) - 1}",
                    self._findings,
                )
            if number != behind:  # what follows each other in the file is read at once
                texts.append(self._read(first, behind))
                first = number
            behind = number + 1
        return b"".join([*texts, self._read(first, behind), self._tail])

    def _read(self, first: int, behind: int) -> bytes:
        start, end = self._places[first], self._places[behind]
        return os.pread(self._kept.fileno(), end - start, start) if end > start else b""

    def _keep(self, chunks: Iterator[bytes]) -> None:
        left, size = b"", 0
        for chunk in chunks:
            left, end = left + chunk, 0
            for match in _ITEM.finditer(left):
                if len(self._places) == 1 and not size:
                    self._begin(left[: match.start()])
                size += self._kept.write(match[0])
                self._places.append(size)
                end = match.end()
            left = left[end:]
            if len(left) > MOST_TEXT:
                raise bomb(f"has a text of more than {len(left) // 1024**2} MiB", self._findings)
        if b"<si" in left or b":si" in left:
            raise damaged(f"{STRINGS} ends in the middle of a text", self._findings)

    def _begin(self, head: bytes) -> None:
        """What stands before the first text, with the names that its elements begin with."""
        root = _ROOT.search(head)
        if root is None:
            raise damaged(f"{STRINGS} has no texts where they should be", self._findings)
        self._head, self._tail = head, b"</%ssst>" % root[1]
