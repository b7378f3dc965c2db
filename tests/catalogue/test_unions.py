"""Schemas of several forms: what is known of all of them, of each, and what a request is held to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.catalogue import ArgumentError
from runner.catalogue.schemas.alternatives import MAX_FORMS, chosen
from runner.catalogue.schemas.normalize import flat
from runner.catalogue.schemas.schema import inline, is_open, types_of
from runner.catalogue.values.converters import converter
from runner.catalogue.values.findings import Findings
from runner.recipe.typecheck.types import ANY, from_schema, type_of

CARD = {
    "type": "object", "required": ["number"],
    "properties": {"kind": {"const": "card"}, "number": {"type": "string"}},
}  # fmt: skip
IBAN = {
    "type": "object", "required": ["iban", "holder"],
    "properties": {"kind": {"const": "iban"}, "iban": {"type": "string"}, "holder": {"type": "string"}},
}  # fmt: skip
CLOSED_IBAN = {**IBAN, "additionalProperties": False}


def sent(value: Any, schema: Any) -> Any:
    findings = Findings()
    converted = converter(flat(schema), ("x",), evidence="")(value, findings)
    if findings.problems:
        raise ArgumentError(findings.problems)
    return converted


def test_beside_the_forms_stands_all_that_they_have() -> None:
    for key in ("oneOf", "anyOf"):
        schema = flat({key: [CARD, IBAN], "description": "How it is paid."})
        assert schema["type"] == ["object"]
        assert list(schema["properties"]) == ["kind", "number", "iban", "holder"]
        assert schema["properties"]["kind"]["enum"] == ["card", "iban"]
        assert schema["required"] == []
        assert schema["description"] == "How it is paid."
        forms = [list(form["properties"]) for form in schema["anyOf"]]
        assert forms == [["kind", "number"], ["kind", "iban", "holder"]]
    closed = flat({"oneOf": [CARD, IBAN], "unevaluatedProperties": False})
    assert [
        is_open(each) for each in (closed, *closed["anyOf"], flat({"oneOf": [CARD, IBAN]}))
    ] == [False] * 3 + [True]


def test_what_stands_beside_the_alternatives_is_in_each_form() -> None:
    base = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    schema = flat(
        {
            **base,
            "anyOf": [
                {"required": ["a"]},
                {"properties": {"b": {"type": "string"}}},
                {"type": "null"},
            ],
        }
    )
    assert [form.get("required") for form in schema["anyOf"]] == [["id", "a"], ["id"]]
    assert list(schema["properties"]) == ["id", "b"]
    numbers, others = (
        [{"type": "number"}, {"type": "string"}],
        [{"type": "integer"}, {"type": "boolean"}],
    )
    assert flat({"oneOf": numbers, "anyOf": others}) == {"type": "integer"}
    either = flat({**base, "if": {"required": ["a"]}, "then": {"properties": {"c": {}}}})
    assert [list(form["properties"]) for form in either["anyOf"]] == [["id", "c"], ["id"]]


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ("string",)),
        ({"oneOf": [{"type": ["integer", "null"]}, {"oneOf": [{"type": "boolean"}, {"type": "string"}]}]},
         ("integer", "boolean", "string")),
        ({"const": 3}, ("integer",)),
        ({"enum": ["a", Decimal("1.5"), None]}, ("string", "number")),
        ({"anyOf": [{"type": "string"}, {}]}, ()),
        ({"anyOf": [{"type": "string"}, True]}, ()),
        ({"anyOf": [{"type": "string"}, False]}, ("string",)),
        ({"oneOf": [{"properties": {"a": {"type": "integer"}}}, {"type": "integer"}]}, ()),
        ({"type": "string", "not": {"const": "x"}}, ("string",)),
        ({"anyOf": [{"const": f"v{at}"} for at in range(MAX_FORMS + 1)]}, ()),
    ],
)  # fmt: skip
def test_the_types_of_all_forms(schema: Any, types: tuple[str, ...]) -> None:
    assert types_of(flat(schema)) == types


def test_a_value_becomes_what_one_of_the_forms_is() -> None:
    number = {
        "oneOf": [
            {"type": "integer"},
            {"type": "object", "properties": {"id": {"type": "integer"}}},
        ]
    }
    assert sent("12", number) == 12
    assert sent({"id": "7"}, number) == {"id": 7}
    assert sent("12", {"anyOf": [{"type": "integer"}, {"type": "string"}]}) == "12"
    with pytest.raises(ArgumentError, match="x: 'many' is not an integer or an object"):
        sent("many", number)
    with pytest.raises(ArgumentError, match="x: 'c' is not one of a, b"):
        sent("c", {"oneOf": [{"const": "a"}, {"const": "b"}]})


def test_an_object_has_to_have_all_that_one_of_its_forms_needs() -> None:
    schema = {"oneOf": [CARD, IBAN]}
    assert sent({"number": "4"}, schema) == {"number": "4"}
    assert sent({"iban": "DE", "holder": "R"}, schema) == {"iban": "DE", "holder": "R"}
    with pytest.raises(ArgumentError, match=r"x\.number: is required, or 'holder'"):
        sent({"iban": "DE"}, schema)
    assert chosen(flat(schema), {}).lacking(["kind"]) == [["number"], ["iban", "holder"]]
    assert sent({"kind": "card"}, {**schema, "x-runner-evidence": "inferred"}) == {"kind": "card"}


def test_a_discriminator_chooses_the_form() -> None:
    document = {"schemas": {
        "Card": {
            "additionalProperties": False, "required": ["number"],
            "properties": {"kind": {"type": "string"}, "number": {}},
        },
        "iban": {"allOf": [CLOSED_IBAN]},
        "Cash": {"additionalProperties": False, "properties": {}},
    }}  # fmt: skip
    forms = [{"$ref": f"#/schemas/{name}"} for name in ("Card", "iban", "Cash")]
    mapping = {"card": "#/schemas/Card", "credit": "Card"}
    schema = inline(
        document, {"oneOf": forms, "discriminator": {"propertyName": "kind", "mapping": mapping}}
    )
    assert sent({"kind": "credit", "number": "4"}, schema) == {"kind": "credit", "number": "4"}
    assert sent({"kind": "Cash"}, schema) == {"kind": "Cash"}
    assert sent({"number": "4"}, schema) == {"number": "4"}  # the document asks for no kind
    for value, said in (
        ({"kind": "card"}, "x.number: is required where 'kind' is 'card'"),
        ({"kind": "iban", "iban": "DE"}, "x.holder: is required where 'kind' is 'iban'"),
        (
            {"kind": "Cash", "number": "4"},
            "x.number: is no field where 'kind' is 'Cash'; the fields there: kind",
        ),
        ({"kind": "cheque"}, "x.kind: 'cheque' is not one of card, credit, iban, Cash"),
    ):
        with pytest.raises(ArgumentError) as caught:
            sent(value, schema)
        assert str(caught.value) == said


def test_fields_by_pattern_are_fields_too() -> None:
    schema = {
        "type": "object",
        "properties": {},
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    assert sent({"x-size": "L"}, schema) == {"x-size": "L"}


def test_parts_of_an_all_of_may_have_forms() -> None:
    schema = flat({"allOf": [{"properties": {"id": {"type": "integer"}}}, {"oneOf": [CARD, IBAN]}]})
    assert set(schema["properties"]) == {"id", "kind", "number", "iban", "holder"}


FIELDS: dict[str, Any] = {
    "a": {"type": "integer"},
    "b": {"type": "string"},
    "c": {"type": ["boolean", "null"]},
}
NAMES = st.lists(st.sampled_from(sorted(FIELDS)), unique=True)
OBJECTS = st.builds(
    lambda names, needed, extra: {
        "type": "object", "properties": {name: FIELDS[name] for name in names},
        "required": [name for name in needed if name in names], **extra,
    },
    NAMES, NAMES, st.sampled_from([{}, {"additionalProperties": False}, {"patternProperties": {"^a": {}}}]),
)  # fmt: skip
SCALARS = st.sampled_from(
    [
        {"type": "integer"},
        {"type": "string", "enum": ["x", "y"]},
        {"const": 3},
        {"type": "null"},
        {},
    ]
)
SCHEMAS = st.recursive(
    OBJECTS | SCALARS,
    lambda inner: st.builds(
        lambda own, key, forms: {**own, key: forms},
        st.sampled_from([{}, {"type": "object"}, {"properties": {"a": FIELDS["a"]}, "required": ["a"]}]),
        st.sampled_from(["oneOf", "anyOf", "allOf"]), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)  # fmt: skip
OBJECT_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(0, 4),
        "b": st.sampled_from(["x", "z"]),
        "c": st.booleans(),
        "d": st.just("other"),
    },
)


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(schema=SCHEMAS, value=OBJECT_VALUES | st.sampled_from([3, 4, "x", "z", True]))
def test_what_fits_a_schema_is_not_refused_and_of_its_type(schema: Any, value: Any) -> None:
    if jsonschema.Draft202012Validator(schema).is_valid(value):
        assert sent(value, schema) == value
        type_ = from_schema(flat(schema)) if isinstance(value, dict) else ANY
        assert type_.can_be(type_of(value).kinds)
        assert not type_.closed or type_.fields.keys() >= value.keys()
