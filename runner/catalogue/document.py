"""API documents: found, parsed, checked, and their operations built when somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from runner.catalogue.checks import check_document
from runner.catalogue.operation import METHODS, Operation, build_operation
from runner.problems import InvalidError
from runner.source import read

SUFFIX = ".openapi.yaml"
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Auth:
    """A credential the API wants: the configuration's `secret` goes into `name`, a header or a query parameter."""

    secret: str
    place: str
    name: str


@dataclass(frozen=True)
class Limits:
    """How fast the API may be called, and whether its vendor asks for a User-Agent that names the integration."""

    requests_per_second: Decimal = Decimal(2)
    burst: int = 1
    user_agent_required: bool = False


@dataclass(frozen=True)
class Api:
    """One API as its document describes it. `document` is the raw document, references unresolved."""

    name: str
    title: str
    server: str
    operations: Mapping[str, Operation]
    auth: tuple[Auth, ...]
    limits: Limits
    document: Mapping[str, Any] = field(repr=False)
    file: Path


class _Operations(Mapping[str, Operation]):
    """The operations of a document by name, each built on first use."""

    def __init__(self, document: Mapping[str, Any], api: str) -> None:
        self._document = document
        self._api = api
        self._built: dict[str, Operation] = {}
        self._places = {
            item[method]["operationId"]: (method, path)
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        }

    def __getitem__(self, name: str) -> Operation:
        if name not in self._built:
            method, path = self._places[name]
            self._built[name] = build_operation(self._document, self._api, method=method, path=path)
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places


def load_api(path: Path, *, name: str | None = None) -> Api:
    """The API that the document at `path` describes, called `name` or after the file. Raises InvalidError."""
    source = read(path, max_bytes=MAX_BYTES)
    problems = check_document(source)
    if problems:
        raise InvalidError(problems)
    document: Mapping[str, Any] = source.data
    called = name or path.name.removesuffix(SUFFIX)
    return Api(
        name=called,
        title=document["info"].get("title", called),
        server=document["servers"][0]["url"],
        operations=_Operations(document, called),
        auth=tuple(_auth(document)),
        limits=_limits(document["info"].get("x-runner-limits", {})),
        document=document,
        file=path,
    )


def shipped_apis() -> Mapping[str, Path]:
    """The documents that come with the program, by the name of their API."""
    folder = Path(str(resources.files("runner.schemas")))
    return {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}


class Catalogue(Mapping[str, Api]):
    """APIs by name, each document read on first use. Without `paths`, those that come with the program."""

    def __init__(self, paths: Mapping[str, Path] | None = None) -> None:
        self._paths = dict(shipped_apis() if paths is None else paths)
        self._loaded: dict[str, Api] = {}

    def __getitem__(self, name: str) -> Api:
        if name not in self._loaded:
            self._loaded[name] = load_api(self._paths[name], name=name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def operation(self, full_name: str) -> Operation:
        """The operation that `use` calls `api.operation`. Raises KeyError."""
        api, _, name = full_name.partition(".")
        return self[api].operations[name]


def _auth(document: Mapping[str, Any]) -> Iterator[Auth]:
    schemes = document.get("components", {}).get("securitySchemes", {})
    wanted = {name for choice in document.get("security", ()) for name in choice}
    for name, scheme in schemes.items():
        if name in wanted:
            yield Auth(secret=name, place=scheme["in"], name=scheme["name"])


def _limits(declared: Mapping[str, Any]) -> Limits:
    return Limits(
        requests_per_second=Decimal(declared.get("requests_per_second", 2)),
        burst=declared.get("burst", 1),
        user_agent_required=declared.get("user_agent") == "required",
    )
