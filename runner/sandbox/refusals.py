"""What the sandbox refuses, and how it says so: by an HTTP status, or inside a 200 where the API's document wants it.

    400  {"title": "Bad Request", "status": 400, "errors": {"ship_to.country": ["country is over the max length ..."]}}
    404  {"statusCode": 404, "message": "Resource not found"}
    404  {"statusCode": 404, "message": "Resource not found: its date 2020-02-03 is before 2025-10-30, and only ..."}
    200  {"response_status": {"severity": "ERROR", "code": 50002, "description": "No conditions specified"}}

The first two read as they were seen live. The third gives the reason, which no live API was seen to do. The last is
made of x-runner-failure, which says where the parts go, and of the failures in x-runner-sandbox, which say what the API
calls each cause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runner.catalogue import Api, Operation

EXTENSION = "x-runner-sandbox"

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


class RefusedError(Exception):
    """The request is refused: for a `cause` that the API may have a code for, else with this status and body.

    `facts` are the words that the API's own message may use.
    """

    def __init__(
        self, status: int, body: Mapping[str, Any], *, cause: str = "", **facts: str
    ) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.cause = cause
        self.facts = facts


def invalid(
    errors: Mapping[str, Sequence[str]], *, cause: str = "body", **facts: str
) -> RefusedError:
    """A 400 that lists the messages of each field."""
    return RefusedError(
        400, {"title": "Bad Request", "status": 400, "errors": errors}, cause=cause, **facts
    )


def refused(status: int, message: str, *, cause: str = "", **facts: str) -> RefusedError:
    """A refusal that no field caused."""
    return RefusedError(status, {"statusCode": status, "message": message}, cause=cause, **facts)


def not_found(called: str = "object", *, why: str = "") -> RefusedError:
    """A 404: no such route or object, or one that cannot be reached for a reason that a live API keeps to itself."""
    message = "Resource not found" + (f": {why}" if why else "")
    return refused(404, message, cause="not_found", object=called)


class Failures:
    """How one API tells what it refuses."""

    def __init__(self, api: Api) -> None:
        self._declared: Mapping[str, Any] = (
            api.document["info"].get(EXTENSION, {}).get("failures", {})
        )

    def told(self, refusal: RefusedError, operation: Operation | None) -> tuple[int, Any]:
        """The status and the body that a refusal is answered with."""
        declared, failure = (
            self._declared.get(refusal.cause),
            operation.failure if operation else None,
        )
        if declared is None or failure is None:
            return refusal.status, refusal.body
        message = _PLACEHOLDER.sub(
            lambda found: refusal.facts.get(found[1], found[0]), declared.get("message", "")
        )
        body: dict[str, Any] = {}
        for place, value in ((failure.field, failure.values[0]), (failure.code, declared["code"])):
            set_at(body, place, value)
        set_at(body, failure.message, message)
        required = (operation.answer or {}).get("required", ()) if operation else ()
        return 200, {**dict.fromkeys(required), **body}


def set_at(tree: dict[str, Any], place: str, value: Any) -> None:
    """Put a value at a dotted place; nowhere when the place is ''."""
    *way, name = place.split(".")
    for part in way:
        inner = tree.get(part)
        tree[part] = inner = dict(inner) if isinstance(inner, dict) else {}
        tree = inner
    if name:
        tree[name] = value
