"""API documents: located, parsed, checked, and their operations built on demand."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from runner.catalogue.documents.checks import check_document
from runner.catalogue.documents.files import read_document
from runner.catalogue.documents.overlay import overlaid
from runner.catalogue.operation import (
    Operation,
    build_operation,
    can_be_sent,
    window_of_write,
)
from runner.catalogue.schemas.normalize import operation_names
from runner.catalogue.schemas.schema import deref
from runner.catalogue.window import Window
from runner.problems import InvalidError
from runner.source import Source

SUFFIX = ".openapi.yaml"


class Auth(NamedTuple):
    """Credential of an API: the configuration's `secret` is sent as `name`, a header or a query parameter.

    `scheme` is "" for an unchanged key, "bearer" for a token, "basic" for user:password. `in_form`: where the body is a
    form, the credential is a field of it and not of the query.
    """

    secret: str
    place: str
    name: str
    scheme: str = ""
    in_form: bool = False

    def value(self, secret: str) -> str:
        """Return the sent form of a secret."""
        if self.scheme == "basic":
            return "Basic " + b64encode(secret.encode()).decode()
        return f"Bearer {secret}" if self.scheme == "bearer" else secret


class Limits(NamedTuple):
    """Allowed requests per second and per day, and whether the vendor requires a User-Agent that names the caller."""

    requests_per_second: Decimal = Decimal(2)
    burst: int = 1
    hits_per_day: int | None = None
    user_agent_required: bool = False


class Api(NamedTuple):
    """API as its document describes it. `document` is the raw document, references unresolved, overlay applied.

    `server` is empty where the document has no complete address; the configuration has to name one then. `notes` say
    how a document that is less complete than the shipped ones was interpreted.
    """

    name: str
    title: str
    server: str
    operations: Mapping[str, Operation]
    auth: tuple[Auth, ...]
    limits: Limits
    document: Mapping[str, Any]
    file: Path
    notes: tuple[str, ...] = ()


class _Operations(Mapping[str, Operation]):
    """The operations of a document by name, each built on first use."""

    def __init__(self, document: Mapping[str, Any], api: str) -> None:
        self._document = document
        self._api = api
        self._built: dict[str, Operation] = {}
        self._places = {
            name: place
            for place, name in operation_names(document).items()
            if can_be_sent(document, *place)
        }

    def __getitem__(self, name: str) -> Operation:
        if name not in self._built:
            method, path = self._places[name]
            # Read-back and window depend on other operations, so they are settled here.
            operation = build_operation(self._document, self._api, method=method, path=path)
            if not self._is_read_back(operation):
                operation = replace(operation, read_back=None)
            if (window := self._window(operation)) is not None:
                operation = replace(operation, window=window)
            self._built[name] = operation
        return self._built[name]

    def _window(self, write: Operation) -> Window | None:
        """Return the window within which the API reads the objects that a write creates or changes."""
        if write.effect == "read":
            return None
        back = write.read_back
        read = [self._places[back.operation][1]] if back is not None else []
        return window_of_write(self._document, [*read, write.path])

    def _is_read_back(self, write: Operation) -> bool:
        """Return whether the read-back of a write returns one object, with arguments that the write has.

        A list returns one, too, where the read-back names the id field of its entries.
        """
        back = write.read_back
        if back is None:
            return True
        read = self.get(back.operation)
        fits = read is not None and read.effect == "read" and bool(read.items) == bool(back.entry)
        return fits and read is not None and read.required <= {*write.parameters, *back.answer}

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places


def load_api(path: Path, *, name: str | None = None, overlay: Path | None = None) -> Api:
    """Return the API of the document at `path`, called `name` or after the file, corrected by `overlay`.

    Raises InvalidError, also for an overlay that matches nothing or leaves a document that is wrong.
    """
    # Shipped documents are checked by the tests; corrections to them are overlays.
    ours = path.parent == _folder()
    source = _with_path_items(read_document(path, ours=ours))
    problems = check_document(source) if overlay is None and not ours else []
    if overlay is not None:
        source, problems = overlaid(source, overlay, check=check_document)
    if problems:
        raise InvalidError(problems)
    document: Mapping[str, Any] = source.data
    called = name or path.name.removesuffix(SUFFIX).split(".")[0]
    return Api(
        name=called,
        title=document["info"].get("title", called),
        server=_server(document),
        operations=_Operations(document, called),
        auth=tuple(_auth(document)),
        limits=_limits(document["info"].get("x-runner-limits", {})),
        document=document,
        file=path,
        notes=tuple(_notes(document)),
    )


def _with_path_items(source: Source) -> Source:
    """Return a document in which references to paths (`/orders: {$ref: ...}`) are replaced by their targets."""
    paths = source.data.get("paths") if isinstance(source.data, Mapping) else None
    if not isinstance(paths, Mapping) or not any(
        "$ref" in item for item in paths.values() if isinstance(item, dict)
    ):
        return source
    try:
        followed = {path: deref(source.data, item) for path, item in paths.items()}
    except KeyError:
        # The check reports the reference with its position.
        return source
    return source._replace(data={**source.data, "paths": followed})


def shipped_apis() -> Mapping[str, Path]:
    """Return the documents that come with the program, by the name of their API."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(_folder().glob(f"*{SUFFIX}"))}


def _folder() -> Path:
    return Path(import_module("runner.schemas").__path__[0])


class Catalogue(Mapping[str, Api]):
    """APIs by name, each document read on first use. Without `paths`, the shipped ones.

    `overlays` correct the documents of some of them.
    """

    def __init__(
        self, paths: Mapping[str, Path] | None = None, *, overlays: Mapping[str, Path] | None = None
    ) -> None:
        self._paths = dict(shipped_apis() if paths is None else paths)
        self._overlays = dict(overlays or {})
        self._loaded: dict[str, Api] = {}
        self._operations: dict[str, Operation] = {}

    def __getitem__(self, name: str) -> Api:
        if name not in self._loaded:
            self._loaded[name] = load_api(
                self._paths[name], name=name, overlay=self._overlays.get(name)
            )
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def operation(self, full_name: str) -> Operation:
        """Return the operation that `use` names, as `api.operation`. Raises KeyError."""
        operation = self._operations.get(full_name)
        if operation is None:
            api, _, name = full_name.partition(".")
            operation = self._operations[full_name] = self[api].operations[name]
        return operation

    def operations(self, apis: Collection[str] = ()) -> list[Operation]:
        """Return the operations of those of `apis` that exist; of all APIs where none does."""
        used = [name for name in self if name in apis] or [*self]
        return [operation for name in used for operation in self[name].operations.values()]

    def listing(self, create: Operation) -> Operation | None:
        """Return the read that lists what `create` adds to: the GET of the same path, or None."""
        return next(
            (
                read
                for read in self[create.api].operations.values()
                if read.path == create.path and read.effect == "read" and read.items
            ),
            None,
        )

    def creation(self, read: Operation) -> Operation | None:
        """The create whose objects a read gives: that of the same path for a list, of the one above for one object."""
        path, _, last = (read.path, "", "") if read.items else read.path.rpartition("/")
        if read.effect != "read" or (last and not last.startswith("{")):
            return None
        creates = (each for each in self[read.api].operations.values() if each.effect == "create")
        return next((each for each in creates if each.path == path), None)

    def read_back(self, write: Operation) -> Operation | None:
        """Return the read of the object that `write` created or changed, or None."""
        if write.read_back is None:
            return None
        return self[write.api].operations[write.read_back.operation]


def _server(document: Mapping[str, Any]) -> str:
    """Return the first server, its variables at their defaults; empty when it is no complete address."""
    server: Mapping[str, Any] = next(iter(document.get("servers", ())), {"url": ""})
    url: str = server["url"]
    for name, variable in server.get("variables", {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return url if url.startswith(("https://", "http://")) and "{" not in url else ""


def _auth(document: Mapping[str, Any]) -> Iterator[Auth]:
    """Yield the credentials of the first security requirement of the document, one for each scheme in it."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    for name in _requirement(document):
        scheme = deref(document, schemes.get(name, {}))
        kind = scheme.get("type")
        if kind == "apiKey" and scheme["in"] != "cookie":
            in_form = scheme["in"] == "query" and bool(
                document["info"].get("x-runner-credentials-in-form")
            )
            yield Auth(secret=name, place=scheme["in"], name=scheme["name"], in_form=in_form)
        elif kind == "http" and scheme.get("scheme", "").lower() == "basic":
            yield Auth(secret=name, place="header", name="Authorization", scheme="basic")
        elif kind in ("http", "oauth2", "openIdConnect"):
            yield Auth(secret=name, place="header", name="Authorization", scheme="bearer")


def _requirement(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the schemes of the document's first requirement, else of the most frequent one of its operations."""
    choices = [tuple(choice) for choice in document.get("security", ()) if choice]
    if choices:
        return choices[0]
    entries = [document["paths"][path][method] for method, path in operation_names(document)]
    first = Counter(
        next((tuple(choice) for choice in entry.get("security", ()) if choice), ())
        for entry in entries
    )
    # An operation that needs no credential has no vote.
    del first[()]
    return first.most_common(1)[0][0] if first else ()


def _notes(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield notes on operations that are left out, or whose names differ from the document's."""
    names = operation_names(document)
    entries = {place: document["paths"][place[1]][place[0]] for place in names}
    other = [name for place, name in names.items() if not can_be_sent(document, *place)]
    if other:
        yield f"left out, for a body that is neither JSON nor a form: {_some(other)}"
    unnamed = [names[place] for place, entry in entries.items() if not entry.get("operationId")]
    renamed = [
        f"{entry['operationId']} as {names[place]}"
        for place, entry in entries.items()
        if entry.get("operationId") and entry["operationId"] != names[place]
    ]
    if unnamed:
        yield f"called after method and path, for want of an operationId: {_some(unnamed)}"
    if renamed:
        yield f"written otherwise in recipes: {_some(renamed)}"


def _some(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _limits(declared: Mapping[str, Any]) -> Limits:
    return Limits(
        requests_per_second=Decimal(declared.get("requests_per_second", 2)),
        burst=declared.get("burst", 1),
        hits_per_day=declared.get("hits_per_day"),
        user_agent_required=declared.get("user_agent") == "required",
    )
