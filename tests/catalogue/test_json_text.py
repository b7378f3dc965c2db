"""JSON as it goes on the wire: to the byte what simplejson writes, but for the digits of decimals."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from runner.exact_json import json_text, parse_own_json

plain = st.text(st.characters(exclude_categories=["Cs"]))
texts = plain | st.sampled_from(["\u2028", "\x7f", '"\\\n\t\x00', "</script>"])
scalars = st.none() | st.booleans() | st.integers() | texts | st.decimals(-99, 99, places=2)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20
)


@given(trees)
def test_it_is_what_simplejson_writes(tree: Any) -> None:
    written = simplejson.dumps(tree, ensure_ascii=False, separators=(",", ":"), use_decimal=True)
    assert json_text(tree) == written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@given(trees)
def test_it_is_read_as_it_was_written(tree: Any) -> None:
    assert parse_own_json(json_text(tree)) == tree
    assert parse_own_json("[1, 0.10, 1E+2]") == [Decimal(1), Decimal("0.10"), Decimal(100)]


def test_decimals_have_all_their_digits_and_dates_are_texts() -> None:
    tree = MappingProxyType(
        {"a": (Decimal("1E+16"), Decimal("0.10")), "b": OrderedDict(c=dt.date(2026, 1, 31))}
    )
    assert json_text(tree) == '{"a":[10000000000000000,0.10],"b":{"c":"2026-01-31"}}'


@pytest.mark.parametrize(
    "value", [1.5, Decimal("NaN"), Decimal("Infinity"), object(), b"x", {"a": [float("nan")]}]
)
def test_what_has_no_exact_form_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        json_text(value)
