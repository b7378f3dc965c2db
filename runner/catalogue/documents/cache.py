"""Cache of API documents: their data as JSON in the user's cache folder, which is read fifty times as fast as YAML.

    ~/.cache/recipe-runner/9f86d081884c7d65.json    named after the document's path
        3a7bd3e2360a3d29eea436fcfb7e44c735d117c4...  SHA-256 of the document's text, the reader of YAML and what follows
        {"openapi": "3.1.0", ...}

Another text, another version of the reader or another byte makes what is kept worthless; it is written anew then. Where
the folder cannot be written, or is not the user's own, nothing is kept, and nothing is said: it can be made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner import source
from runner.exact_json import json_text

FOLDER = "recipe-runner"
_OTHERS_WRITE = 0o022
"""Mode bits of a file that others may write: its content is not trusted."""


def load(path: Path, text: str, *, environ: Mapping[str, str] = os.environ) -> Any:
    """Return the data of the document at `path` with this text; None when it is not cached."""
    try:
        handle = os.open(_place(path, environ), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, encoding="utf-8", newline="") as file:
            if not _is_ours(os.fstat(handle)):
                return None
            key, _, content = file.read().partition("\n")
            if key != _key(text, content):
                return None
            return json.loads(content, parse_float=Decimal)
    except (OSError, ValueError, RecursionError):
        return None


def store(path: Path, text: str, data: Any, *, environ: Mapping[str, str] = os.environ) -> None:
    """Cache the data of the document at `path` with this text, replacing an earlier entry."""
    with suppress(OSError, ValueError, RecursionError):
        place = _place(path, environ)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(place.parent.stat()):
            return
        content = json_text(data)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(
                handle, "w", encoding="utf-8"
            ) as file:  # no fsync: what is torn is not read
                file.write(f"{_key(text, content)}\n{content}")
            Path(name).replace(place)
        except OSError:
            Path(name).unlink()


def _place(path: Path, environ: Mapping[str, str]) -> Path:
    """Return the file for a document. Raises OSError where the environment names no folder."""
    home, cache = environ.get("HOME"), environ.get("XDG_CACHE_HOME")
    if not home and not cache:
        raise FileNotFoundError("neither HOME nor XDG_CACHE_HOME is set")
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return Path(cache or f"{home}/.cache") / FOLDER / f"{name}.json"


def _is_ours(status: os.stat_result) -> bool:
    """Tell whether a file or folder is the user's own, and nobody else may write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE


def _key(text: str, content: str) -> str:
    """What the data follow from, and their digest. Raises OSError where the program is not made of files."""
    digest = hashlib.sha256(Path(source.__file__).read_bytes() + b"\0" + text.encode() + b"\0")
    digest.update(content.encode())
    return digest.hexdigest()
