"""Redaction of secrets in texts, in any encoding: a server may quote, escape and encode what it echoes.

The patterns match character by character, and so match any mixture of encodings: none, percent-encoding in either
case and more than once, a plus for a space, HTML entities by name and number, escapes of JSON and of JSON within
JSON. A base64 token with a secret in it is redacted completely: plain and URL-safe, with and without padding, and
with the secret at any offset (as in `user:secret`). Hex is matched as well.
"""

from __future__ import annotations

import html
import html.entities
import json
import re
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, cast
from urllib.parse import quote, quote_plus

from runner.problems import WITHHELD

BLOT = "***"

SHORTEST = 8
"""Minimum length of a secret in characters: a shorter one also occurs in ordinary data."""

MOST_LEARNED = 100
"""Credentials of answers that are remembered; the oldest is forgotten first."""

_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=%")
"""Bytes of base64 in texts and URLs."""

_LONGEST_TOKEN = 100_000
"""Bytes on either side of a secret that are searched for the ends of its base64 token."""

_ESCAPES = re.compile(
    rb'\\+(?:u[0-9a-fA-F{]|x[0-9a-fA-F]|["/\\])|%[0-9a-fA-F]{2}|&(?:amp;)*(?:#[0-9xX]|[A-Za-z]{2,31})'
)
"""A character that is escaped or encoded. Only texts with one are searched for encoded secrets."""

_MOST_MEMORY = 48 << 20
"""Memory of the engine for encoded secrets in bytes."""

_MOST_LINEAR = 72_000
"""Maximum length of a pattern for it, some 400 characters of secrets; for longer ones Python's engine takes less."""

_SLASHES, _PERCENT = r"\\{1,32}", "%(?:25){0,8}"
_AMPERSAND, _ZEROS = rf"(?:&|{_SLASHES}u0026|%26)(?:amp;){{0,8}}", "0{0,16}"
"""Beginnings of a character's encodings, applied repeatedly; bounded, which limits the time for any text."""

_SHORT_ESCAPES = "bfnrtu"
"""Letters that form an escape behind a backslash."""


class Mask:
    """Redacts secrets. It is thread-safe; secrets that are shorter than SHORTEST are ignored."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: a secret may contain another one.
        self._secrets = sorted({each for each in secrets if len(each) >= SHORTEST}, key=len)[::-1]
        self._plain = _alternatives(_unencoded(each) for each in self._secrets)
        self._coded = _alternatives(core for each in self._secrets for core in _base64(each))
        self._learned: dict[str, Sequence[bytes]] = {}
        self._lock = threading.Lock()

    @cached_property
    def _encoded(self) -> re.Pattern[bytes] | None:
        """Pattern of the secrets in any encoding, compiled on use: few texts have an escape."""
        return _linear([_any_encoding(each) for each in self._secrets])

    def learn(self, text: str) -> None:
        """Remember a text of an answer or a request as a credential."""
        if len(text) < SHORTEST:
            return
        with self._lock:
            self._learned.pop(text, None)
            self._learned[text] = _forms(text)
            while len(self._learned) > MOST_LEARNED:
                del self._learned[next(iter(self._learned))]

    def answer(self, content: bytes) -> bytes:
        """Return an answer without the secrets.

        Credentials that it brings stay in it: later calls need them.
        """
        if self._plain is None or self._coded is None:
            return content
        content = self._plain.sub(BLOT.encode(), content)
        if _ESCAPES.search(content) and self._encoded is not None:
            content = self._encoded.sub(BLOT.encode(), content)
        if self._coded.search(content):
            content = _without_tokens(content, self._coded)
        return content

    def data(self, value: Any) -> Any:
        """Return the data of an answer without the secrets, in names of fields as well."""
        return _mapped(value, lambda text: _decoded(text, self.answer)) if self._secrets else value

    def text(self, text: str) -> str:
        """Return a text without the secrets and the credentials of answers, to be stored or shown."""
        if self._plain is None and not self._learned:
            return text
        return _decoded(text, lambda raw: self._without_learned(self.answer(raw)))

    def tree(self, value: Any) -> Any:
        """Return plain data without the secrets and the credentials of answers, to be stored or shown."""
        return _mapped(value, self.text) if self._secrets or self._learned else value

    def finds(self, content: bytes) -> bool:
        """Return true if the content contains a secret in any encoding, including CSV quotes."""
        patterns = (self._plain, self._encoded, self._coded)
        return any(each is not None and each.search(content) is not None for each in patterns)

    def _without_learned(self, content: bytes) -> bytes:
        if not self._learned:
            return content
        with self._lock:
            forms = [form for each in self._learned.values() for form in each]
        for form in forms:
            content = content.replace(form, WITHHELD.encode())
        return content


def _decoded(text: str, mask: Callable[[bytes], bytes]) -> str:
    """Return a text masked as UTF-8; lone surrogates, which JSON can express, survive."""
    raw = text.encode("utf-8", "surrogatepass")
    masked = mask(raw)
    return text if masked == raw else masked.decode("utf-8", "surrogatepass")


def _mapped(value: Any, mask: Callable[[str], str]) -> Any:
    """Return plain data with all of its texts and names masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {_mapped(name, mask): _mapped(each, mask) for name, each in value.items()}
    if isinstance(value, list | tuple):
        masked = [_mapped(each, mask) for each in value]
        # A named tuple keeps its type.
        return masked if isinstance(value, list) else getattr(type(value), "_make", tuple)(masked)
    return value


def _alternatives(patterns: Iterable[str]) -> re.Pattern[bytes] | None:
    text = "|".join(patterns)
    return re.compile(text.encode()) if text else None


def _linear(patterns: Sequence[str]) -> re.Pattern[bytes] | None:
    """Return the alternatives for an engine that reads each byte once, whatever a server repeats."""
    # Imported on use, as it takes longer than the other imports.
    import re2

    text = "|".join(patterns).encode()
    if not text or len(text) > _MOST_LINEAR:
        return _alternatives(patterns)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    try:
        return cast("re.Pattern[bytes]", re2.compile(text, options))
    except re2.error:
        return _alternatives(patterns)


def _forms(text: str) -> Sequence[bytes]:
    """Return the forms of a text in this program's own output: unchanged, in JSON, URLs, HTML and base64."""
    texts = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    texts |= {quote(text, safe=""), quote(text), quote_plus(text), html.escape(text)}
    raw = {each.encode("utf-8", "surrogatepass") for each in texts}
    coded = text.encode("utf-8", "surrogatepass")
    return sorted(raw | {b64encode(coded), urlsafe_b64encode(coded)}, key=len, reverse=True)


def _unencoded(secret: str) -> str:
    """Return a pattern of the secret itself, with a plus for a space, and in hex."""
    # Behind a backslash, a first letter such as n may belong to an escape.
    behind = r"(?<!\\)" if secret[0] in _SHORT_ESCAPES else ""
    texts = dict.fromkeys([secret, secret.replace(" ", "+")])
    coded = secret.encode("utf-8", "surrogatepass")
    forms = [f"{behind}{re.escape(each)}" for each in texts]
    return "|".join([*forms, "[: -]?".join(_hex(f"{byte:02x}") for byte in coded)])


def _any_encoding(secret: str) -> str:
    """Return a pattern of the secret with each of its characters in any encoding."""
    return "".join(map(_character, secret))


@cache
def _character(each: str) -> str:
    """Return a pattern of a character in any encoding."""
    number = ord(each)
    itself = _SLASHES if each == "\\" else re.escape(each)
    forms = [rf"\\{{0,32}}{itself}" if each in "\"/'" else itself]
    if each == '"':
        # A quote in a quoted cell of CSV is doubled.
        forms.append('""')
    units = each.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    forms.append("".join(f"{_SLASHES}u{_hex(unit)}" for unit in pairs))
    forms.append(rf"{_SLASHES}u\{{{_ZEROS}{_hex(f'{number:x}')}\}}")
    coded = each.encode("utf-8", "surrogatepass")
    forms.append("".join(f"{_PERCENT}{_hex(f'{byte:02x}')}" for byte in coded))
    if number < 256:
        forms.append(f"{_SLASHES}x{_hex(f'{number:02x}')}")
    forms.append(f"{_AMPERSAND}#{_ZEROS}{number};?")
    forms.append(f"{_AMPERSAND}#[xX]{_ZEROS}{_hex(f'{number:x}')};?")
    names = "|".join(re.escape(name) for name in _names().get(each, ()))
    if names:
        forms.append(f"{_AMPERSAND}(?:{names})")
    if each == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Return the HTML entities of each character, the longest first, with their semicolons."""
    entities: dict[str, list[str]] = {}
    for name, character in html.entities.html5.items():
        entities.setdefault(character, []).append(name)
    return {each: tuple(sorted(names, key=len, reverse=True)) for each, names in entities.items()}


def _hex(digits: str) -> str:
    """Return a pattern of hexadecimal digits in either case."""
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in digits)


def _base64(secret: str) -> list[str]:
    """Return patterns of the secret in base64 of a text that contains it.

    Base64 encodes groups of three bytes: there is one pattern for each of the secret's three offsets in a group.
    Each has only the characters that do not depend on the text around the secret.
    """
    raw, cores = secret.encode("utf-8", "surrogatepass"), []
    for offset in range(3):
        coded = b64encode(b"\0" * offset + raw).decode()
        # The first characters depend on the text in front of the secret, the last on that behind it.
        first = (0, 2, 3)[offset]
        end = (offset + len(raw)) * 8 // 6
        cores.append("".join(map(_base64_character, coded[first:end])))
    return cores


def _base64_character(each: str) -> str:
    """Return a pattern of a character of base64, plain or URL-safe, percent-encoded or not."""
    if each not in "+/":
        return each
    return f"(?:{_character(each)}|{'-' if each == '+' else '_'}|%2[bBfFdD]|%5[fF])"


def _without_tokens(content: bytes, coded: re.Pattern[bytes]) -> bytes:
    """Redact each base64 token that contains a secret, from its first to its last character."""
    parts, done = [], 0
    for match in coded.finditer(content):
        start, end = match.span()
        if start < done:
            continue
        earliest = max(done, start - _LONGEST_TOKEN)
        latest = min(len(content), end + _LONGEST_TOKEN)
        while start > earliest and content[start - 1] in _TOKEN:
            start -= 1
        while end < latest and content[end] in _TOKEN:
            end += 1
        parts += [content[done:start], BLOT.encode()]
        done = end
    return b"".join([*parts, content[done:]])
