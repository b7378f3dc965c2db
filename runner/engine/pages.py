"""Whether a list held still while its pages were read, and whether it gave what it said it had."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from runner.catalogue import Operation, Page, to_json

MAX_PAGES = 1000
"""Pages of one search; more is an answer that never ends."""

MAX_ROW_PAGES = 100_000
"""Pages of a search whose hits are the rows of a run."""


@dataclass
class PageWatch:
    """Follows the pages of one list of `operation`. `whole`: whether it is read from its beginning.

    `doubt` says why something that was not seen may be there all the same. `notices` are that, and what may have come
    twice.
    """

    operation: Operation
    whole: bool = True
    doubt: str = ""
    notices: list[str] = field(default_factory=list)
    _total: int | None = None
    _seen: set[bytes] = field(default_factory=set)

    def see(self, page: Page) -> bool:
        """Take a page. False when it has come before, item by item: then there is no end to it."""
        if page.total is not None and page.total >= 0 and page.items:
            before, self._total = self._total, page.total
            if before is not None and page.total < before:
                self._note(f"became shorter while it was read, {before:,} and then {page.total:,}", doubt=True)
            elif before is not None and page.total > before:
                self._note(f"became longer while it was read, {before:,} and then {page.total:,}", doubt=False)
        if not page.items:
            return True
        mark = hashlib.sha256(to_json(page.items)).digest()
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True

    def end(self, seen: int) -> None:
        """The list is at its end, after this many items."""
        if self.whole and self._total is not None and seen < self._total and not self.doubt:
            self._note(f"says that it has {self._total:,}, and gave {seen:,}", doubt=True)

    def _note(self, text: str, *, doubt: bool) -> None:
        notice = f"the list of {self.operation.full_name} {text}"
        self.notices.append(notice)
        if doubt:
            self.doubt = notice
