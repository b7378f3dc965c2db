"""The recipe schema for editors: with the known operations, and the arguments of each.

What it refuses is a part of what `validate` refuses, so that an editor never underlines a recipe that is right: a
value may be a template wherever it stands, and fields that a document only infers leave others possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.catalogue.schemas.schema import is_open, types_of
from runner.recipe.validator import recipe_schema

if TYPE_CHECKING:
    from runner.catalogue import Conditions, Operation, Parameter

TEMPLATE = r"\{\{"
"""What a text with a template has in it, as a pattern of JSON Schema."""

_WRITTEN = {
    "integer": r"^-?[0-9]+$",
    "number": r"^-?[0-9]+(\.[0-9]+)?$",
    "boolean": "^(true|false)$",
}
"""How a text is written that is as good as one."""

_ACCEPTED = {
    "string": ("string", "integer"), "integer": ("integer", "number", "string"), "number": ("number", "string"),
    "boolean": ("boolean", "string"), "array": ("array", "object", "string"), "object": ("object", "string"),
}  # fmt: skip
"""What YAML may have where an operation asks for a type; an array can be made by `{for_each, value}`."""

_MEANT = {
    "integer": "a whole number, or a template as in {{ row.quantity }}",
    "number": "a number, or a template as in {{ row.price }}",
    "boolean": "true or false, or a template as in {{ row.paid == 'yes' }}",
    "array": "a list, or a template that gives one",
    "object": "a mapping, or a template that gives one",
}


def editor_schema(operations: Sequence[Operation]) -> dict[str, Any]:
    """`schemas/recipe.schema.json` with the names of `operations` under `use`, and what each takes under `with`."""
    schema: dict[str, Any] = recipe_schema()
    definitions = schema["$defs"]
    searches = [each for each in operations if each.effect == "read" and each.items]
    usable = {"#/$defs/operation": operations, "#/$defs/search": searches}
    for part in list(parts(schema)):
        properties = part.get("properties", {})
        if "use" in properties and "with" in properties:
            part["allOf"] = [_when_used(each) for each in usable[properties["use"]["$ref"]]]
    definitions["operation"] = _named(operations)
    definitions["search"] = _named(searches)
    definitions |= {operation.full_name: _users(operation) for operation in operations}
    return schema


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a schema or a recipe, and itself."""
    if isinstance(node, dict):
        yield node
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from parts(inner)


def _named(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the names as the editor offers them, each with what it does; anything, where there are none."""
    told = [{"const": each.full_name, "description": _told(each)} for each in operations]
    return {"type": "string", "anyOf": told} if told else {}


def _when_used(operation: Operation) -> dict[str, Any]:
    condition = {"properties": {"use": {"const": operation.full_name}}, "required": ["use"]}
    return {"if": condition, "then": {"$ref": f"#/$defs/{operation.full_name}"}}


def _users(operation: Operation) -> dict[str, Any]:
    """Return the schema that applies to the step, search or lookup that uses an operation."""
    takes: dict[str, Any] = {
        "description": f"What {operation.full_name} is given.",
        "type": "object",
        "properties": {name: _parameter(each) for name, each in operation.parameters.items()}
        | {name: _value(each) for name, each in operation.fields.items()},
    }
    if not operation.open:
        takes["additionalProperties"] = False
    if operation.required:
        takes["required"] = sorted(operation.required)
    return {"properties": {"with": takes}, **({"required": ["with"]} if operation.required else {})}


def _told(operation: Operation) -> str:
    """Return a description of an operation in a sentence or two: its purpose, its effect and its evidence."""
    effect = f"{operation.effect}, moves money" if operation.money else operation.effect
    known = f"; {operation.evidence}" if operation.evidence else ""
    return f"{operation.summary or operation.name} ({effect}{known})"


def _parameter(parameter: Parameter) -> dict[str, Any]:
    if parameter.conditions is not None:
        return _conditions(parameter, parameter.conditions)
    value = _value(parameter.schema)
    about = _about(parameter.description, parameter.evidence, parameter.schema)
    if parameter.values:
        return {"description": about, "anyOf": [{"enum": list(parameter.values)}, value]}
    return value | {"description": about}


def _conditions(parameter: Parameter, grammar: Conditions) -> dict[str, Any]:
    """Return conditions of a search: one, or a list of them."""
    condition = {
        "type": ["object", "string"],
        "pattern": TEMPLATE,
        "required": ["field", "is"],
        "additionalProperties": False,
        "properties": {
            "field": {"description": "What is tested.", **_either(sorted(grammar.fields))},
            "is": {
                "description": "How it is compared.",
                **_either(grammar.named, also=tuple(grammar.comparisons)),
            },
            "value": {"description": "What it is compared with; the beginning of a range."},
            "to": {"description": "The end of a range."},
        },
    }
    about = _about(parameter.description, parameter.evidence, parameter.schema)
    made = {"for_each": {"description": "An expression that gives a list."}, "value": condition}
    alone = condition | {"properties": condition["properties"] | made}  # type: ignore[operator]
    del alone["required"]
    return {"description": about, "anyOf": [{"type": "array", "items": condition}, alone]}


def _either(names: Sequence[str], also: Sequence[str] = ()) -> dict[str, Any]:
    """Return one of `names`, which are offered, or of `also`, which are not, or a template."""
    silent: list[dict[str, Any]] = [
        {"type": "string", "pattern": "|".join([TEMPLATE, *(f"^{x}$" for x in also)])}
    ]
    return {"anyOf": [{"enum": list(names)}, *silent]}


def _about(description: str, evidence: str, schema: Mapping[str, Any]) -> str:
    """Return a field's description with how it is known and what stands in the schema for people."""
    told = " ".join((description or str(schema.get("description", ""))).split())
    known = f" ({evidence})" if evidence and evidence != "documented" else ""
    return f"{told}{known}".strip()


def _value(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a recipe's value where the operation takes a value of `schema`."""
    wanted = types_of(schema)
    found: dict[str, Any] = {
        "description": _about("", str(schema.get("x-runner-evidence", "")), schema)
    }
    if not wanted or not all(kind in _ACCEPTED for kind in wanted):
        return found
    if "enum" in schema and schema.get("x-runner-evidence") != "inferred":
        return found | {
            "anyOf": [{"enum": list(schema["enum"])}, {"type": "null"}, {"pattern": TEMPLATE}]
        }
    found["type"] = [*dict.fromkeys(kind for name in wanted for kind in _ACCEPTED[name]), "null"]
    if "string" not in wanted:
        found["pattern"] = "|".join(
            [TEMPLATE, *(_WRITTEN[kind] for kind in wanted if kind in _WRITTEN)]
        )
        found["patternErrorMessage"] = _MEANT[wanted[0]]
    if "array" in wanted:
        found |= _list(schema)
    elif "object" in wanted:
        found |= _object(schema)
    return found


def _list(schema: Mapping[str, Any]) -> dict[str, Any]:
    entry = schema.get("items")
    value = _value(entry if isinstance(entry, Mapping) else {})
    each = {
        "for_each": {
            "description": "An expression that gives a list: one element is made for each `item`."
        }
    }
    return {"items": value, "properties": each | {"value": value}}


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "properties": {name: _value(each) for name, each in schema.get("properties", {}).items()},
    }
    if not is_open(schema):
        found["additionalProperties"] = False
    if schema.get("required"):
        found["required"] = list(schema["required"])
    return found
