"""Secrets blotted out of texts, in whatever spelling they come back: a server may quote, escape and encode at will.

A spelling is found character by character, so that any mixture of them is: as it is, percent-encoded in either case
and more than once, a plus for a blank, HTML entities by name and number, escapes of JSON and of JSON within JSON.
Base64, plain and url-safe, with and without padding and at any offset (as of `user:secret`), takes all of its token
with it. Hex is found as well.
"""

from __future__ import annotations

import html
import html.entities
import json
import re
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

BLOT = "***"

SHORTEST = 8
"""Characters that a secret has at least: a shorter one is found in data that is none."""

MOST_LEARNED = 100
"""Credentials of answers that are kept in mind, the last ones."""

_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=%")
"""Bytes of base64 as it stands in texts and URLs."""

_LONGEST_TOKEN = 100_000
_ESCAPES = re.compile(
    rb'\\+(?:u[0-9a-fA-F{]|x[0-9a-fA-F]|["/\\])|%[0-9a-fA-F]{2}|&(?:amp;)*(?:#[0-9xX]|[A-Za-z]{2,31})'
)
"""What only some texts have: a character that is not written as itself."""

_SLASHES, _PERCENT = r"\\{1,32}", "%(?:25){0,8}"
_AMPERSAND, _ZEROS = rf"(?:&|{_SLASHES}u0026|%26)(?:amp;){{0,8}}", "0{0,16}"
"""Beginnings of a character's other spellings, encoded again and again; bounded, so that no text takes long."""

_SHORT_ESCAPES = "bfnrtu"
"""Letters that are something else behind a backslash."""


class Mask:
    """Blots secrets out. Safe for many threads; what is too short to be one is left out."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({each for each in secrets if len(each) >= SHORTEST}, key=len)[::-1]
        self._plain = _either(_as_it_is(each) for each in self._secrets)
        self._spelled = _either(_spelled(each) for each in self._secrets)
        self._coded = _either(core for each in self._secrets for core in _base64(each))
        self._learned: dict[str, Sequence[bytes]] = {}
        self._lock = threading.Lock()

    def learn(self, text: str) -> None:
        """Keep in mind that a text of an answer is a credential."""
        if len(text) < SHORTEST:
            return
        with self._lock:
            self._learned.pop(text, None)
            self._learned[text] = _forms(text)
            while len(self._learned) > MOST_LEARNED:
                del self._learned[next(iter(self._learned))]

    def answer(self, content: bytes) -> bytes:
        """An answer without the secrets; what it brings of credentials is in it, for those who need it next."""
        if self._plain is None or self._spelled is None or self._coded is None:
            return content
        content = self._plain.sub(BLOT.encode(), content)
        if _ESCAPES.search(content):
            content = self._spelled.sub(BLOT.encode(), content)
        if self._coded.search(content):
            content = _without_tokens(content, self._coded)
        return content

    def data(self, value: Any) -> Any:
        """The data of an answer without the secrets, in names as well."""
        return _mapped(value, lambda text: _decoded(text, self.answer)) if self._secrets else value

    def text(self, text: str) -> str:
        """A text that is stored or shown, without the secrets and the credentials that answers have brought."""
        if self._plain is None and not self._learned:
            return text
        return _decoded(text, lambda raw: self._without_learned(self.answer(raw)))

    def tree(self, value: Any) -> Any:
        """Plain data that is stored or shown, without either."""
        return _mapped(value, self.text) if self._secrets or self._learned else value

    def finds(self, content: bytes) -> bool:
        """Return whether there is a secret in it, in any spelling, that of a cell in quotes as well."""
        patterns = (self._plain, self._spelled, self._coded)
        return any(each is not None and each.search(content) is not None for each in patterns)

    def _without_learned(self, content: bytes) -> bytes:
        if not self._learned:
            return content
        with self._lock:
            forms = [form for each in self._learned.values() for form in each]
        for form in forms:
            content = content.replace(form, BLOT.encode())
        return content


def _decoded(text: str, mask: Callable[[bytes], bytes]) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    masked = mask(raw)
    return text if masked == raw else masked.decode("utf-8", "surrogatepass")


def _mapped(value: Any, mask: Callable[[str], str]) -> Any:
    """Plain data with all of its texts and names masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {_mapped(name, mask): _mapped(each, mask) for name, each in value.items()}
    if isinstance(value, list | tuple):
        masked = [_mapped(each, mask) for each in value]
        return masked if isinstance(value, list) else getattr(type(value), "_make", tuple)(masked)
    return value


def _either(patterns: Iterable[str]) -> re.Pattern[bytes] | None:
    text = "|".join(patterns)
    return re.compile(text.encode()) if text else None


def _forms(text: str) -> Sequence[bytes]:
    """How a text may stand in what this program writes itself: as it is, in JSON, in a URL, in HTML, in base64."""
    texts = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    texts |= {quote(text, safe=""), quote(text), quote_plus(text), html.escape(text)}
    raw = {each.encode("utf-8", "surrogatepass") for each in texts}
    coded = text.encode("utf-8", "surrogatepass")
    return sorted(raw | {b64encode(coded), urlsafe_b64encode(coded)}, key=len, reverse=True)


def _as_it_is(secret: str) -> str:
    """The secret itself, also with a plus for a blank, and in hex."""
    behind = r"(?<!\\)" * (secret[0] in _SHORT_ESCAPES)
    texts = dict.fromkeys([secret, secret.replace(" ", "+")])
    coded = secret.encode("utf-8", "surrogatepass")
    forms = [f"{behind}{re.escape(each)}" for each in texts]
    return "|".join([*forms, "[: -]?".join(_hex(f"{byte:02x}") for byte in coded)])


def _spelled(secret: str) -> str:
    """The secret with each of its characters in any spelling."""
    return "".join(map(_character, secret))


@cache
def _character(each: str) -> str:
    """A character in any spelling, as a pattern."""
    number = ord(each)
    itself = _SLASHES if each == "\\" else re.escape(each)
    ways = [rf"\\{{0,32}}{itself}" if each in "\"/'" else itself]
    if each == '"':
        ways.append('""')  # in CSV
    units = each.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    ways.append("".join(f"{_SLASHES}u{_hex(unit)}" for unit in pairs))
    ways.append(rf"{_SLASHES}u\{{{_ZEROS}{_hex(f'{number:x}')}\}}")
    coded = each.encode("utf-8", "surrogatepass")
    ways.append("".join(f"{_PERCENT}{_hex(f'{byte:02x}')}" for byte in coded))
    if number < 256:
        ways.append(f"{_SLASHES}x{_hex(f'{number:02x}')}")
    ways.append(f"{_AMPERSAND}#{_ZEROS}{number};?")
    ways.append(f"{_AMPERSAND}#[xX]{_ZEROS}{_hex(f'{number:x}')};?")
    names = "|".join(re.escape(name) for name in _names().get(each, ()))
    if names:
        ways.append(f"{_AMPERSAND}(?:{names})")
    if each == " ":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """The names of characters in HTML, the longest first, with their semicolons."""
    found: dict[str, list[str]] = {}
    for name, character in html.entities.html5.items():
        found.setdefault(character, []).append(name)
    return {each: tuple(sorted(names, key=len, reverse=True)) for each, names in found.items()}


def _hex(digits: str) -> str:
    """Hexadecimal digits in either case, as a pattern."""
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in digits)


def _base64(secret: str) -> list[str]:
    """What base64 of a text that holds the secret holds for sure, at each of the three places where it can begin."""
    raw, cores = secret.encode("utf-8", "surrogatepass"), []
    for before in range(3):
        coded = b64encode(b"\0" * before + raw).decode()
        first = (0, 2, 3)[before]  # characters that depend on what stands before it
        whole = (before + len(raw)) * 8 // 6
        cores.append("".join(map(_coded, coded[first:whole])))
    return cores


def _coded(each: str) -> str:
    if each not in "+/":
        return each
    return f"(?:{_character(each)}|{'-' if each == '+' else '_'}|%2[bBfFdD]|%5[fF])"


def _without_tokens(content: bytes, coded: re.Pattern[bytes]) -> bytes:
    """Blot out all of each base64 token that holds a secret."""
    parts, done = [], 0
    for found in coded.finditer(content):
        start, end = found.span()
        if start < done:
            continue
        while (
            start > done and content[start - 1] in _TOKEN and found.start() - start < _LONGEST_TOKEN
        ):
            start -= 1
        while end < len(content) and content[end] in _TOKEN and end - found.end() < _LONGEST_TOKEN:
            end += 1
        parts += [content[done:start], BLOT.encode()]
        done = end
    return b"".join([*parts, content[done:]])
