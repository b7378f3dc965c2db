"""Webhook: one POST of a JSON text to an address that is a secret, without redirects, within one deadline."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from runner.catalogue import Request
from runner.config import Secret
from runner.problems import ConfigError
from runner.transport.client import Transport
from runner.transport.exchange import Failure

SECONDS = 20.0
"""Seconds for the whole exchange."""

_MAX_ANSWER = 1024 * 1024


def post_webhook(url: Secret, body: Any, *, user_agent: str, seconds: float = SECONDS) -> str:
    """Post `body`; return "" when the answer is a 2xx, else why not, with no part of the address in it."""
    address = url.reveal()
    try:
        parts = urlsplit(address)
        transport = Transport(
            base_url=f"{parts.scheme}://{parts.netloc}",
            auth=(),
            secrets={"url": Secret(parts.path)},
            user_agent=user_agent,
            deadline=seconds,
            max_answer=_MAX_ANSWER,
        )
        prepared = transport.prepare(Request(method="POST", url=address, body=body))
    except (ConfigError, ValueError):
        return "its address is not one that can be used: https://host/path"
    answer = transport.send(prepared, write=True)
    if isinstance(answer, Failure):
        return "the certificate could not be verified" if answer.untrusted else answer.reason
    if 300 <= answer.status < 400:
        return f"it answered {answer.status}, and redirects are not followed"
    return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
