"""Syntax checks of the addresses of APIs and hosts. No name is resolved."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)
_LONGEST = 253
"""Characters of a host's name, in DNS."""


def is_address(url: str) -> bool:
    """Return true if a text is a complete http or https URL with a valid host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc.rpartition("@")[2]
    return (
        parts.scheme in ("http", "https")
        and url.isascii()
        and url.isprintable()
        and not re.search(r'[\s\\<>"^`{|}]', url)
        and port != 0
        and not host.endswith(":")
        and is_host(parts.hostname or "", bracketed=host.startswith("["))
    )


def is_host(name: str, *, bracketed: bool = False) -> bool:
    """Return true if a text is a valid host: a name, or an IP address. IPv6 is in brackets."""
    if bracketed or ":" in name:
        return bracketed and _is_ip(name, version=6)
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST or not all(map(_LABEL.fullmatch, labels)):
        return False
    return not labels[-1].isdigit() or _is_ip(name, version=4)


def _is_ip(text: str, *, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False
