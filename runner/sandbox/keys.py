"""Keys that the sandbox accepts, their permissions, and the number of requests with each.

An API with several credentials takes them as one key, joined by colons: `user:password`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from runner.catalogue import Api, Auth, Operation
from runner.sandbox.refusals import refused

READ, WRITE = "read", "write"

_KEYS_COUNTED = 1000


def label(key: str) -> str:
    """Return the label of a key: a digest, for places where the key must not be shown."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]


class Keys:
    """Accepted keys with their permissions, read or write or both. Without any, every key may do both."""

    def __init__(self, permissions: Mapping[str, AbstractSet[str]]) -> None:
        self._permissions = permissions
        self._hits: dict[str, int] = {label(key): 0 for key in permissions}

    def hits(self) -> dict[str, int]:
        """Return the number of requests with each key since the start, by the key's label."""
        return dict(self._hits)

    def check(
        self,
        api: Api,
        operation: Operation,
        environ: Mapping[str, Any],
        given: Mapping[str, Sequence[str]],
    ) -> None:
        """Count the request. Raises RefusedError when its key is not accepted, or lacks the permission."""
        if not api.auth:
            return
        values = [_value(auth, environ, given) for auth in api.auth]
        missing = next(
            (auth.name for auth, value in zip(api.auth, values, strict=True) if not value), None
        )
        if missing:
            raise refused(401, f"{missing} is missing", cause="credentials")
        key, allowed = ":".join(values), frozenset({READ, WRITE})
        if self._permissions:
            match = next((key for key in self._permissions if _same(key, api.auth, values)), None)
            if match is None:
                raise refused(401, f"{api.auth[-1].name} is not accepted", cause="credentials")
            key, allowed = match, frozenset(self._permissions[match])
        name = label(key)
        # Without a list of keys a client could fill the memory with new ones.
        if name in self._hits or len(self._hits) < _KEYS_COUNTED:
            self._hits[name] = self._hits.get(name, 0) + 1
        needed = READ if operation.effect == "read" else WRITE
        if needed not in allowed:
            raise refused(403, f"{api.auth[-1].name} may not {needed}", cause="permission")


def _value(auth: Auth, environ: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> str:
    if auth.place == "header":
        # The name of a header in WSGI, as in CGI.
        return str(environ.get("HTTP_" + auth.name.upper().replace("-", "_"), ""))
    return given.get(auth.name, [""])[-1]


def _same(key: str, auths: Sequence[Auth], values: Sequence[str]) -> bool:
    parts = key.split(":", len(auths) - 1)
    if len(parts) != len(auths):
        return False
    pairs = [
        (auth.value(part), value) for auth, part, value in zip(auths, parts, values, strict=True)
    ]
    return all(hmac.compare_digest(expected.encode(), value.encode()) for expected, value in pairs)
