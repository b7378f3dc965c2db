"""Results of one request. Free of requests, whose import takes longer than all else that a dry run needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CUT_SHORT = "the answer was cut short"


class Reply(NamedTuple):
    """Complete answer. `headers` have lower-case names; `seconds` is the duration of the exchange."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class Failure(NamedTuple):
    """Incomplete answer. `written`: a byte of the request left; `status`: that of an answer cut short, else 0.

    `untrusted`: the host's certificate could not be verified, which only a person can change.
    """

    written: bool
    status: int
    reason: str
    seconds: float
    untrusted: bool = False
