"""Whether a request is what its operation's document asks for; the refusals read as they were seen live.

    400  {"title": "Bad Request", "status": 400, "errors": {"ship_to.country": ["country is over the max length ..."]}}
    404  {"statusCode": 404, "message": "Resource not found"}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner.catalogue import Operation, Parameter
from runner.sandbox import exact_json

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

MESSAGE_LENGTH = 200
ERRORS_SHOWN = 50

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?\Z")
_BOOLEAN = {"true": True, "false": False}
_ARTICLES = {"integer": "an integer", "object": "an object", "array": "an array", "null": "null"}


class RefusedError(Exception):
    """The request is refused with this status and body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def invalid(errors: Mapping[str, Sequence[str]]) -> RefusedError:
    """A 400 that lists the messages of each field."""
    return RefusedError(400, {"title": "Bad Request", "status": 400, "errors": errors})


def refused(status: int, message: str) -> RefusedError:
    """A refusal that no field caused."""
    return RefusedError(status, {"statusCode": status, "message": message})


def not_found() -> RefusedError:
    """A 404: no such route or object."""
    return refused(404, "Resource not found")


class Checks:
    """The compiled checks of one operation."""

    def __init__(self, operation: Operation) -> None:
        self._body = _validator(operation.body) if operation.body is not None else None
        declared = operation.parameters.values()
        self._query = [(p, _validator(p.schema)) for p in declared if p.place == "query"]
        self._headers = [p.name for p in declared if p.place == "header" and p.required]

    def query(self, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The declared query parameters that are given, typed. Raises RefusedError."""
        typed: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for parameter, validator in self._query:
            texts = given.get(parameter.name)
            if texts is None:
                if parameter.required:
                    errors[parameter.name] = [f"{parameter.name} is required"]
                continue
            value = typed[parameter.name] = _typed(texts[-1], parameter)
            if messages := [text for _, text in _messages(validator.iter_errors(value), parameter.name)]:
                errors[parameter.name] = messages
        if errors:
            raise invalid(errors)
        return typed

    def headers(self, environ: Mapping[str, Any]) -> None:
        """Raises RefusedError when a required header is missing."""
        missing = [name for name in self._headers if not environ.get("HTTP_" + name.upper().replace("-", "_"))]
        if missing:
            raise invalid({name: [f"{name} is required"] for name in missing})

    def body(self, value: Any) -> None:
        """Raises RefusedError when `value` is not the body that the operation asks for."""
        if self._body is None:
            return
        errors: dict[str, list[str]] = {}
        try:
            for name, text in _messages(self._body.iter_errors(value), "body"):
                errors.setdefault(name, []).append(text)
                if len(errors) == ERRORS_SHOWN:
                    break
        except ArithmeticError:  # multipleOf with 1e999999
            errors = {"body": ["a number is out of range"]}
        if errors:
            raise invalid(errors)


def read_body(content: bytes) -> Any:
    """The JSON value of a request's body. Raises RefusedError."""
    try:
        return exact_json.decode_request(content)
    except exact_json.NotJsonError as error:
        raise invalid({"body": [str(error)]}) from None


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # imported on use: it takes longer than many commands do

    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _typed(text: str, parameter: Parameter) -> Any:
    """A parameter's text as the type that its schema asks for, or as it is when it is no such thing."""
    kinds = parameter.schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if "integer" in kinds and _INTEGER.match(text):
        return int(text)
    if "number" in kinds and _NUMBER.match(text):
        return Decimal(text)
    if "boolean" in kinds:
        return _BOOLEAN.get(text, text)
    return text


def _messages(errors: Iterable[ValidationError], whole: str) -> Iterable[tuple[str, str]]:
    """The dotted field and the message of each error; `whole` is what the value itself is called."""
    for error in errors:
        rule: Any = error.validator_value
        path = [str(part) for part in error.absolute_path]
        name = path[-1] if path else whole
        if error.validator == "required":
            missing = next(n for n in rule if error.message == f"{n!r} is a required property")
            yield ".".join([*path, missing]), f"{missing} is required"
        else:
            yield ".".join(path) or whole, _wording(name, str(error.validator), rule, error.message)


def _wording(name: str, validator: str, rule: Any, message: str) -> str:
    if validator == "maxLength":
        return f"{name} is over the max length of {rule} characters"
    if validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        return f"{name} has to be {' or '.join(_ARTICLES.get(kind, f'a {kind}') for kind in kinds)}"
    if validator == "enum":
        return f"{name} has to be one of {', '.join(map(str, rule))}"[:MESSAGE_LENGTH]
    if validator in ("minimum", "maximum"):
        return f"{name} must not be {'below' if validator == 'minimum' else 'above'} {rule}"
    if validator == "format":
        return f"{name} is not a {rule}"
    return f"{name}: {message}"[:MESSAGE_LENGTH]
