"""Requirements of rows: what has to be true of a row before its first call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.recipe.model import Requirement
from runner.template import EvaluationError, Template, Unknown


def unmet(requirement: Requirement, scope: Mapping[str, Any]) -> str:
    """Say why a row does not meet a requirement; empty where it does, or where that is not known yet."""
    try:
        met = requirement.that.evaluate(scope)
    except EvaluationError as error:
        return f"required: {error}"
    return "" if isinstance(met, Unknown) or met else _message(requirement, scope)


def _message(requirement: Requirement, scope: Mapping[str, Any]) -> str:
    """The words of a requirement, which are no reason to fail: where they cannot be made, its expression."""
    message = requirement.message
    if not isinstance(message, Template):
        return message
    try:
        return str(message.render(scope))
    except EvaluationError:
        return f"required: {requirement.that.text}"
