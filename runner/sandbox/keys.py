"""The keys that the sandbox accepts, what each may do, and how many requests came with it.

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
    """What a key is called where it must not be shown."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]


class Keys:
    """`permissions` are the accepted keys with what each may do, read or write or both; none: any key may do both."""

    def __init__(self, permissions: Mapping[str, AbstractSet[str]]) -> None:
        self._permissions = permissions
        self._hits: dict[str, int] = {label(key): 0 for key in permissions}

    def hits(self) -> dict[str, int]:
        """How many requests came with each key since the start, by the key's label."""
        return dict(self._hits)

    def check(
        self,
        api: Api,
        operation: Operation,
        environ: Mapping[str, Any],
        given: Mapping[str, Sequence[str]],
    ) -> None:
        """Count the request. Raises RefusedError when its key is not accepted, or not for this operation."""
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
            found = next((key for key in self._permissions if _same(key, api.auth, values)), None)
            if found is None:
                raise refused(401, f"{api.auth[-1].name} is not accepted", cause="credentials")
            key, allowed = found, frozenset(self._permissions[found])
        name = label(key)
        if name in self._hits or len(self._hits) < _KEYS_COUNTED:
            self._hits[name] = self._hits.get(name, 0) + 1
        needed = READ if operation.effect == "read" else WRITE
        if needed not in allowed:
            raise refused(403, f"{api.auth[-1].name} may not {needed}", cause="permission")


def _value(auth: Auth, environ: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> str:
    if auth.place == "header":
        return str(environ.get("HTTP_" + auth.name.upper().replace("-", "_"), ""))
    return given.get(auth.name, [""])[-1]


def _same(key: str, wanted: Sequence[Auth], values: Sequence[str]) -> bool:
    parts = key.split(":", len(wanted) - 1)
    if len(parts) != len(wanted):
        return False
    pairs = [
        (auth.value(part), value) for auth, part, value in zip(wanted, parts, values, strict=True)
    ]
    return all(hmac.compare_digest(right.encode(), value.encode()) for right, value in pairs)
