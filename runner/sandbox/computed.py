"""Values of shown objects that no request sets: products, sums, fields of a referenced object."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.problems import ConfigError
from runner.sandbox import exact_json
from runner.sandbox.refusals import EXTENSION
from runner.sandbox.resources import Resource, settings_of
from runner.sandbox.state import Place, State


@dataclass(frozen=True)
class Computed:
    """The computed fields of one kind of object, by name.

    products    the sibling fields that are multiplied; without one of them there is no value
    sums        the addends: sibling fields, or `lines.total`, a field of the objects that are shown as `lines`
    borrowed    the sibling reference whose object has the value, and the collection of that object
    below       the collections whose objects are added up, by the name that they are shown under
    """

    products: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    borrowed: Mapping[str, tuple[str, Resource]] = field(default_factory=dict)
    below: Mapping[str, tuple[Resource, Computed]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The names of the fields that are computed."""
        return frozenset({*self.products, *self.sums, *self.borrowed})


def computed_of(resource: Resource, known: Mapping[str, Resource]) -> Computed:
    """Return the computed fields of a resource's objects. Raises ConfigError where a reference has no target."""
    settings = {name: settings_of(schema) for name, schema in resource.fields.items()}
    sums = {name: tuple(own["sum"]) for name, own in settings.items() if "sum" in own}
    below = {}
    for name in {
        part.partition(".")[0] for parts in sums.values() for part in parts if "." in part
    }:
        child = known.get(f"{resource.collection}/{{}}/{settings.get(name, {}).get('children')}")
        if child is None:
            raise _no_target(resource, name, "has no collection of its own below it")
        below[name] = child, computed_of(child, known)
    return Computed(
        {name: tuple(own["product"]) for name, own in settings.items() if "product" in own},
        sums,
        {
            name: (own["of"], referred(resource, own["of"], known))
            for name, own in settings.items()
            if "of" in own
        },
        below,
    )


def referred(resource: Resource, name: str, known: Mapping[str, Resource]) -> Resource:
    """Return the collection that a field of a resource refers to. Raises ConfigError where there is none."""
    refers = settings_of(resource.fields.get(name, {})).get("refers")
    target = next((other for other in known.values() if other.name == refers), None)
    if target is None:
        raise _no_target(resource, name, "refers to no collection")
    return target


def compute(state: State, place: Place, key: int, stored: dict[str, Any], what: Computed) -> None:
    """Set the computed values of an object that is stored under `key`."""
    for name, factors in what.products.items():
        _set(stored, name, _product([stored.get(factor) for factor in factors]))
    below = {
        name: _below(state, place, key, resource, inner)
        for name, (resource, inner) in what.below.items()
    }
    for name, parts in what.sums.items():
        values: list[Any] = []
        for part in parts:
            head, dot, rest = part.partition(".")
            if dot:
                values += [child.get(rest) for child in below[head]]
            else:
                values.append(stored.get(head))
        _set(stored, name, _sum(values))
    for name, (reference, resource) in what.borrowed.items():
        _set(stored, name, _borrowed(state, stored.get(reference), resource, name))


def _below(
    state: State, place: Place, key: int, resource: Resource, inner: Computed
) -> list[dict[str, Any]]:
    """Return the objects of a collection below another, with their computed values."""
    here = Place(resource.api, resource.collection, f"{place.parent}/{key}".lstrip("/"))
    children = []
    for _, number, body in state.select(here)[1]:
        stored: dict[str, Any] = exact_json.decode(body)
        compute(state, here, number, stored, inner)
        children.append(stored)
    return children


def _borrowed(state: State, reference: Any, resource: Resource, name: str) -> Any:
    """Return a field of the referenced object, or None."""
    key = reference.get(resource.id_field) if isinstance(reference, dict) else None
    text = (
        state.find(Place(resource.api, resource.collection), key) if isinstance(key, int) else None
    )
    return exact_json.decode(text).get(name) if text is not None else None


def _set(stored: dict[str, Any], name: str, value: Any) -> None:
    # Removed first: a value that cannot be computed is absent, whatever a request has stored.
    stored.pop(name, None)
    if value is not None:
        stored[name] = value


def _product(values: Sequence[Any]) -> int | Decimal | None:
    numbers = list(_numbers(values))
    try:
        return math.prod(numbers) if len(numbers) == len(values) else None
    except ArithmeticError:
        # A request may hold a number such as 1e999999.
        return None


def _sum(values: Sequence[Any]) -> int | Decimal | None:
    try:
        return sum(_numbers(values))
    except ArithmeticError:
        return None


def _numbers(values: Iterable[Any]) -> Iterable[int | Decimal]:
    return (v for v in values if isinstance(v, int | Decimal) and not isinstance(v, bool))


def _no_target(resource: Resource, name: str, what: str) -> ConfigError:
    message = (
        f"{resource.api}: {name!r} of {resource.name} {what}, and something is computed from it"
    )
    return ConfigError(message, remedy=f"correct {EXTENSION} in the API document")
