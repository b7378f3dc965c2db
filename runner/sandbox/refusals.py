"""Refusals of the sandbox: an HTTP status, or a failure inside a 200 where the API's document declares one.

    400  {"title": "Bad Request", "status": 400, "errors": {"ship_to.country": ["country is over the max length ..."]}}
    404  {"statusCode": 404, "message": "Resource not found"}
    404  {"statusCode": 404, "message": "Resource not found: its date 2020-02-03 is before 2025-10-30, and only ..."}
    200  {"response_status": {"severity": "ERROR", "code": 50002, "description": "No conditions specified"}}

The first two read as they were observed live. The third gives the reason, which no live API was observed to do. The
last is built from x-runner-failure, which has the places of its parts, and from the failures in x-runner-sandbox, which
have the API's code and message for each cause.
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

    `facts` are the placeholders that the API's own message may use.
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
    """Return a 400 with the messages of each field."""
    return RefusedError(
        400, {"title": "Bad Request", "status": 400, "errors": errors}, cause=cause, **facts
    )


def refused(status: int, message: str, *, cause: str = "", **facts: str) -> RefusedError:
    """Return a refusal that no single field caused."""
    return RefusedError(status, {"statusCode": status, "message": message}, cause=cause, **facts)


def not_found(called: str = "object", *, why: str = "") -> RefusedError:
    """Return a 404: no such route or object, or one out of reach for a reason that a live API does not give."""
    message = "Resource not found" + (f": {why}" if why else "")
    return refused(404, message, cause="not_found", object=called)


class Failures:
    """Formats refusals in the form of one API."""

    def __init__(self, api: Api) -> None:
        self._declared: Mapping[str, Any] = (
            api.document["info"].get(EXTENSION, {}).get("failures", {})
        )

    def answer(self, refusal: RefusedError, operation: Operation | None) -> tuple[int, Any]:
        """Return the status and the body for a refusal."""
        declared = self._declared.get(refusal.cause)
        failure = operation.failure if operation else None
        if declared is None or failure is None:
            return refusal.status, refusal.body
        message = _PLACEHOLDER.sub(
            lambda match: refusal.facts.get(match[1], match[0]), declared.get("message", "")
        )
        body: dict[str, Any] = {}
        for place, value in ((failure.field, failure.values[0]), (failure.code, declared["code"])):
            set_at(body, place, value)
        set_at(body, failure.message, message)
        # The document requires these fields of every answer: a failure has them as null.
        required = (operation.answer or {}).get("required", ()) if operation else ()
        return 200, {**dict.fromkeys(required), **body}


def set_at(tree: dict[str, Any], place: str, value: Any) -> None:
    """Set a value at a dotted place; does nothing when the place is ''."""
    *path, name = place.split(".")
    for part in path:
        inner = tree.get(part)
        # Copied, as the tree may share its parts with the example of a document.
        tree[part] = inner = dict(inner) if isinstance(inner, dict) else {}
        tree = inner
    if name:
        tree[name] = value
