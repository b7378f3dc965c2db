"""Secrets are blotted out in every spelling that a corpus knows, and in any mixture; nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest
from corpora import cases
from hypothesis import example, given
from hypothesis import strategies as st

from runner.config.masking import BLOT, MOST_LEARNED, Mask
from runner.problems import WITHHELD


@pytest.mark.parametrize("case", cases("secrets"))
def test_the_corpus(case: dict[str, str]) -> None:
    mask, text = Mask([case["secret"]]), case["text"]
    for found in (mask.text(text), mask.answer(text.encode()).decode(), mask.data([text])[0]):
        if case["due"] == "stays":
            assert found == text
        else:
            assert BLOT in found
            assert case["secret"] not in decoded(found)
    assert mask.finds(text.encode()) == (case["due"] == "blotted")


def decoded(text: str) -> str:
    """All that a patient reader makes of a text, one decoding after the other."""
    seen = [text]
    for _ in range(4):
        for read in (
            _json,
            unquote,
            lambda each: unquote(each.replace("+", " ")),
            html.unescape,
            _base64,
            _hex,
        ):
            seen += {read(each) for each in seen[-6:]} - set(seen)
    return "\n".join(seen)


def _json(text: str) -> str:
    return re.sub(r"\\(u\{[0-9a-f]+\}|u[0-9a-fA-F]{4}|x[0-9a-f]{2}|.)", _escape, text)


def _escape(found: re.Match[str]) -> str:
    what = found[1]
    return chr(int(what[1:].strip("{}"), 16)) if what[0] in "ux" and len(what) > 2 else what


def _base64(text: str) -> str:
    def read(found: re.Match[str]) -> str:
        raw = found[0].translate(str.maketrans("-_", "+/"))
        return (
            base64.b64decode(raw + "=" * (-len(raw) % 4)).decode("latin-1")
            if len(raw) % 4 != 1
            else found[0]
        )

    return re.sub(r"[A-Za-z0-9+/_-]{8,}", read, text)


def _hex(text: str) -> str:
    return re.sub(
        r"(?:[0-9a-fA-F]{2}[: -]?){8,}",
        lambda m: bytes.fromhex(re.sub("[: -]", "", m[0])).decode("latin-1"),
        text,
    )


SPELLINGS: list[Callable[[str], str]] = [
    str,
    lambda each: f"\\u{ord(each):04x}",
    lambda each: f"\\\\u{ord(each):04X}",
    lambda each: "".join(f"%{byte:02x}" for byte in each.encode()),
    lambda each: "".join(f"%25{byte:02X}" for byte in each.encode()),
    lambda each: f"&#{ord(each)};",
    lambda each: f"&#x{ord(each):x};",
    lambda each: html.escape(each),
    lambda each: json.dumps(each)[1:-1],
    lambda each: json.dumps(json.dumps(each)[1:-1])[1:-1],
    quote_plus,
    quote,
]
SECRET = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=8, max_size=40)


@given(SECRET, st.data())
@example("\\\\\\\\\\\\\\\\", None)
@example("        ", None)
@example("&amp;&amp;", None)
def test_any_mixture_of_spellings(secret: str, data: Any) -> None:
    ways = (
        data.draw(st.lists(st.sampled_from(SPELLINGS), min_size=len(secret), max_size=len(secret)))
        if data
        else [str] * len(secret)
    )
    text = "".join(way(each) for way, each in zip(ways, secret, strict=True))
    found = Mask([secret]).text(f"[{text}]")
    assert BLOT in found
    assert text not in found


@given(SECRET, st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_base64_at_any_place(secret: str, before: bytes, after: bytes, url_safe: bool) -> None:  # noqa: FBT001
    coded = base64.b64encode(before + secret.encode() + after).decode()
    if url_safe:
        coded = coded.translate(str.maketrans("+/", "-_")).rstrip("=")
    assert Mask([secret]).text(f'"{coded}"') == f'"{BLOT}"'


def test_names_of_members_and_lists_within() -> None:
    secret = "key-of-the-shop"
    tree = {"a": [{f"x {secret}": 1}, (secret, 2)], "b": None}
    assert Mask([secret]).tree(tree) == {"a": [{f"x {BLOT}": 1}, (BLOT, 2)], "b": None}


def test_credentials_of_answers_are_learned_and_forgotten() -> None:
    mask = Mask()
    for number in range(MOST_LEARNED + 1):
        mask.learn(f"token-number-{number:05}")
    assert mask.text("token-number-00100, token-number-00000") == f"{WITHHELD}, token-number-00000"
    assert mask.data("token-number-00100") == "token-number-00100"  # who signs in needs it


@pytest.mark.parametrize("secret", ['p@ss w/o"rd&1+z', "\\back\\slash", "/aaaaaaaaaaaaaaZ"])
@pytest.mark.parametrize("repeated", [b"\\", b"&amp;", b"%25", b"\\u0061", b"\\\\u00"])
def test_a_repetition_of_32_mb_is_read_once(secret: str, repeated: bytes) -> None:
    """A second at most; the backslashes took 13 s, and a secret with some of its own minutes."""
    text = repeated * (32_000_000 // len(repeated))
    assert Mask([secret]).answer(text + b"\\x21") == text + b"\\x21"


def test_a_large_answer_takes_no_longer_than_its_size() -> None:
    """Repeated beginnings of a secret, and of its encodings, are looked at once."""
    secret = "aaaaaaaaaaaaaaaZ"
    mask = Mask([secret])
    for text in (
        "a" * 300_000,
        "\\" * 300_000,
        "&amp;" * 60_000,
        "%25" * 100_000,
        "A" * 300_000,
        "YWFh" * 70_000,
    ):
        assert mask.text(text + "&#1;") == text + "&#1;"
