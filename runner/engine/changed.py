"""How a request differs from the one that was sent before, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.catalogue import Request, decode_form, parse_json
from runner.engine.given_back import literal
from runner.journal import CallRecord


def difference(prior: CallRecord, request: Request) -> str:
    """The first places in which a request differs from the one that was sent, old value first."""
    if prior.url != request.path:
        return f"{prior.method} {prior.url}, now {request.path}"
    sent, now = prior.body.encode(), request.content() or b""
    if request.form:
        before, after = decode_form(sent, {}), decode_form(now, {})
    else:
        before, after = parse_json(sent or b"{}"), parse_json(now or b"{}")
    parts = list(_differences(before, after, ""))
    return "; ".join(parts[:3]) + (f" and {len(parts) - 3} more" if len(parts) > 3 else "")


def _differences(before: Any, after: Any, path: str) -> list[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        parts = []
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{path}.{name}" if path else name
            parts += _differences(before.get(name), after.get(name), inner)
        return parts
    return [] if before == after else [f"{path} was {_said(before)}, now {_said(after)}"]


def _said(value: Any) -> str:
    return "left out" if value is None else literal(value)
