"""What came of one request. Known without requests, which takes longer to import than all else that a dry run needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CUT_SHORT = "the answer was cut short"


class Reply(NamedTuple):
    """A complete answer. `headers` have lower-case names; `seconds` is how long it took."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class Failure(NamedTuple):
    """No complete answer. `written`: a byte of the request left; `status`: of an answer cut short, else 0.

    `untrusted`: the host's certificate could not be verified, and never will be without a person.
    """

    written: bool
    status: int
    reason: str
    seconds: float
    untrusted: bool = False
