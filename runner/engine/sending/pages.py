"""Pages of a list, one after the other; whether it held still meanwhile, and gave what it said it had."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.catalogue import Operation, Page, first_arguments, next_arguments, to_json
from runner.engine.sending.outcome import Outcome

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
                self._note(
                    f"became shorter while it was read, {before:,} and then {page.total:,}",
                    doubt=True,
                )
            elif before is not None and page.total > before:
                self._note(
                    f"became longer while it was read, {before:,} and then {page.total:,}",
                    doubt=False,
                )
        if not page.items:
            return True
        mark = hashlib.sha256(to_json(page.items)).digest()
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True

    def end(self, seen: int) -> None:
        """The list is at its end, after this many items. More than it said are no doubt: all of them were seen."""
        if self.whole and self._total is not None and seen != self._total and not self.doubt:
            self._note(
                f"says that it has {self._total:,}, and gave {seen:,}", doubt=seen < self._total
            )

    def _note(self, text: str, *, doubt: bool) -> None:
        notice = f"the list of {self.operation.full_name} {text}"
        self.notices.append(notice)
        if doubt:
            self.doubt = notice


def read_pages(
    operation: Operation, arguments: Mapping[str, Any], ask: Callable[[Mapping[str, Any]], Outcome], *,
    watch: PageWatch, most: int = MAX_PAGES,
) -> Iterator[Outcome]:  # fmt: skip
    """The pages of a list, each a done outcome with a Page; at most one that is not done, which is the last.

    `ask` makes the request for a page from its arguments.
    """
    following: Mapping[str, Any] | None = first_arguments(operation, arguments)
    seen = 0
    for number in range(1, most + 1):
        if following is None:
            watch.end(seen)
            return
        outcome = ask(following)
        if outcome.ok and not watch.see(outcome.value):
            reason = (
                f"page {number} of {operation.full_name} has come before: there is no end to it"
            )
            outcome = Outcome("rejected", reason)
        yield outcome
        if not outcome.ok:
            return
        page: Page = outcome.value
        seen += len(page.items)
        following = next_arguments(operation, following, page, seen)
    yield Outcome("rejected", f"{operation.full_name} gave more than {most:,} pages")
