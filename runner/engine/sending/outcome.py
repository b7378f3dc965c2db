"""What an exchange means: the table of outcomes, decided by what happened on the socket and by the status.

event on a write                                               state
no byte of the request left                                    not sent      tried again
a byte left, no complete answer                                unknown       never sent again by itself
an answer of any status that is cut short, in its head or body unknown
JSON that is no JSON, where an answer ends with its connection unknown       it is cut short
1xx                                                            read past; 101 and nothing after it: unknown
2xx as the API's document describes it                         done
2xx that is unusable, or whose id is 0, negative, empty, null  unknown
2xx that the document does not list                            rejected where it reports errors, else unknown
3xx                                                            unknown       never followed
401 403                                                        denied        the run stops
429                                                            throttled     sent again after Retry-After
408 425 5xx                                                    unknown       (a read is tried again)
any other 4xx                                                  rejected
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.catalogue import (
    AnswerError,
    DeclaredFailure,
    Operation,
    describe_error,
    empty_page,
    read_answer,
)
from runner.config.masking import Mask
from runner.journal import CallState
from runner.transport import CUT_SHORT, Failure, Reply

LONGEST_RETRY_AFTER = 300.0
"""Seconds. A longer Retry-After stops the run, which can be resumed; one that cannot be read is taken as this long."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")

UNCERTAIN = frozenset({408, 425})
"""Client errors that do not say whether the request was carried out."""

NO_SECRETS = Mask()


class Outcome(NamedTuple):
    """What came of a call. `value` is the answer's data when done; `retry_after` is in seconds.

    `whole`: the answer came in one piece, so that whatever is wrong with it would be wrong again. `doubt` says why
    something that a list does not show may be there all the same. `set_aside`: it is not sent, because
    what was sent for it before differs.
    """

    state: CallState
    reason: str = ""
    status: int = 0
    value: Any = None
    seconds: float = 0.0
    retry_after: float | None = None
    whole: bool = True
    doubt: str = ""
    set_aside: bool = False

    @property
    def ok(self) -> bool:
        return self.state in ("done", "found")


def classify(
    operation: Operation,
    exchange: Reply | Failure,
    *,
    now: float | None = None,
    mask: Mask = NO_SECRETS,
) -> Outcome:
    """The outcome of one exchange. For reads `unknown` means: no usable answer, try again.

    `mask` takes secrets out of what the answer says once it is read: out of its texts and names, and out of the reason.
    """
    outcome = _classified(operation, exchange, now=now)
    reason, value = mask.text(outcome.reason), outcome.value
    if (
        isinstance(exchange, Reply) and b"\\" in exchange.content
    ):  # else its bytes have shown all of it
        value = mask.data(value)
    return outcome._replace(reason=reason, value=value)


def _classified(
    operation: Operation, exchange: Reply | Failure, *, now: float | None = None
) -> Outcome:
    status, seconds = exchange.status, exchange.seconds
    if isinstance(exchange, Failure):
        state, reason = _of_failure(exchange)
        return Outcome(state, reason, status, seconds=seconds, whole=False)
    if status < 500 and _is_cut(exchange):
        return Outcome(
            "unknown", f"{status}, but {CUT_SHORT}", status, seconds=seconds, whole=False
        )
    if status in operation.empty:
        return Outcome("done", "", status, empty_page(), seconds)
    if 200 <= status < 300:
        try:
            value = read_answer(
                operation,
                status=status,
                content_type=exchange.content_type,
                content=exchange.content,
            )
        except DeclaredFailure as error:
            return Outcome(
                "denied" if error.credentials else "rejected", error.reason, status, seconds=seconds
            )
        except AnswerError as error:
            return Outcome("unknown", f"{status}, but {error.reason}", status, seconds=seconds)
        return Outcome("done", "", status, value, seconds)
    said = describe_error(exchange.content_type, exchange.content, failure=operation.failure)
    reason = f"{status}" + (f" {said}" if said else "")
    retry_after = _retry_after(exchange.headers, now=time.time() if now is None else now)
    return Outcome(_of_status(status), reason, status, seconds=seconds, retry_after=retry_after)


def _of_failure(failure: Failure) -> tuple[CallState, str]:
    """Of what did not arrive whole only one thing is known: whether a byte of the request had left."""
    if not failure.written:
        return "not sent", failure.reason
    seen = f"{failure.status}, but " if failure.status else ""
    return "unknown", f"{seen}{failure.reason}"


def _is_cut(reply: Reply) -> bool:
    """Return whether an answer that has no length, and ends where its connection does, has ended before its end.

    That shows in JSON alone.
    """
    if {"content-length", "transfer-encoding"} & set(reply.headers):
        return False
    if "json" not in reply.content_type.lower() and reply.content.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(reply.content.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        return True
    return False


def _of_status(status: int) -> CallState:
    if status in (401, 403):
        return "denied"
    if status == 429:
        return "throttled"
    return "rejected" if 400 <= status < 500 and status not in UNCERTAIN else "unknown"


def _retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds that a Retry-After asks for, as seconds or as a date; None without one, long where it is unreadable."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return float(text) if len(text.partition(".")[0]) < 10 else math.inf
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return LONGEST_RETRY_AFTER
