"""Canonical and look-alike forms of keys."""

from __future__ import annotations

from unicodedata import category, is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.keys import SHORT, brief, canonical, look_alike, mistakable

SAME = {
    "a space behind it": "PO-1 ",
    "a tab and a line end": "\tPO-1\r\n",
    "a no-break space": "\u00a0PO-1",
    "an ideographic space": "PO-1\u3000",
    "a zero-width space": "PO-1\u200b",
    "a byte order mark": "\ufeffPO-1",
    "a soft hyphen": "P\u00adO-1",
    "marks of direction": "\u200ePO-1\u200f",
    "a word joiner": "PO-\u20601",
}

ALIKE = {
    "case": "po-1",
    "a hyphen of its own": "PO\u20101",
    "a hyphen that does not break": "PO\u20111",
    "an en dash": "PO\u20131",
    "an em dash": "PO\u20141",
    "a minus sign": "PO\u22121",
    "a fullwidth hyphen": "PO\uff0d1",
    "a space inside": "PO -1",
    "a thin space inside": "PO-\u20091",
    "full width": "\uff30\uff2f-\uff11",
    "a raised figure": "PO-\u00b9",
    "a variation selector": "PO-1\ufe0e",
    "a Hangul filler": "PO-1\u3164",
    "a control character": "PO-1\x7f",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_one_identity_in_several_spellings(text: str) -> None:
    assert canonical(text) == "PO-1"
    assert look_alike(text) == "po-1"


@pytest.mark.parametrize("text", ALIKE.values(), ids=ALIKE.keys())
def test_another_identity_that_looks_alike(text: str) -> None:
    assert canonical(text) != "PO-1"
    assert look_alike(text) == look_alike("PO-1")


def test_composed_and_decomposed_accents_are_one() -> None:
    assert canonical("Cafe\u0301-1") == canonical("Caf\u00e9-1") == "Caf\u00e9-1"
    assert canonical("e\u200b\u0301") == "\u00e9"


def test_spaces_inside_count_once() -> None:
    assert canonical("Riverside \u00a0\t North") == "Riverside North"


@pytest.mark.parametrize(
    "texts", [("PO-1", "PO-2"), ("PO-1", "PO.1"), ("PO-1", "PO_1"), ("A1", "AI"), ("cafe", "café")]
)
def test_other_identities_do_not_look_alike(texts: tuple[str, str]) -> None:
    assert len(set(map(look_alike, texts))) == len(texts)


MISTAKABLE = [
    *((each, "PO-1") for each in ALIKE.values()),
    ("PO_1", "PO-1"), ("PO.1", "PO-1"), ("#1001", "1001"), ("'#1001", "1001"), ("1_5", "1-5"),
    ("\u0420\u041e-1", "PO-1"), ("\u03a1\u039f-1", "PO-1"), ("\u0661\u0662", "12"),
]  # fmt: skip
NOT_MISTAKABLE = [
    ("1.001", "1001"), ("1.5", "1-5"), ("PO-1", "PO1"), ("A1", "AI"), ("a.b@x.org", "a-b@x.org"), ("cafe", "caf\u00e9"),
]  # fmt: skip


@pytest.mark.parametrize("texts", MISTAKABLE)
def test_keys_that_are_mistaken_for_each_other(texts: tuple[str, str]) -> None:
    assert len(set(map(mistakable, texts))) == 1


@pytest.mark.parametrize("texts", NOT_MISTAKABLE)
def test_keys_that_are_not_mistaken_for_each_other(texts: tuple[str, str]) -> None:
    assert len(set(map(mistakable, texts))) == 2


@given(st.text())
def test_what_looks_alike_is_mistaken(text: str) -> None:
    assert mistakable(canonical(text)) == mistakable(text) == mistakable(mistakable(text))


def test_german_and_turkish_case_is_folded() -> None:
    assert look_alike("STRASSE 1") == look_alike("straße1")
    assert look_alike("\u0130-1") == look_alike("i\u0307-1")


@given(st.text())
def test_both_forms_are_the_same_when_made_again(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
    assert look_alike(look_alike(text)) == look_alike(text)


@given(st.text())
def test_a_canonical_form_has_nothing_that_is_not_compared(text: str) -> None:
    found = canonical(text)
    assert is_normalized("NFC", found)
    assert all(category(each) != "Cf" for each in found)
    assert found == " ".join(found.split())


@given(st.text())
def test_one_identity_looks_alike(text: str) -> None:
    assert look_alike(canonical(text)) == look_alike(text)


@given(st.text(alphabet=st.characters(max_codepoint=126), max_size=30))
def test_the_short_way_for_ascii_gives_what_the_long_way_gives(text: str) -> None:
    assert look_alike(text) == look_alike(text + "é").removesuffix("é")
    assert canonical(f"é{text}") == canonical("é" + text.replace("\t", " "))


@given(st.text(min_size=SHORT), st.text(min_size=SHORT))
def test_long_texts_stay_apart(one: str, other: str) -> None:
    assert (brief(one) == brief(other)) == (one == other)
    assert len(brief(one)) <= SHORT + 65
