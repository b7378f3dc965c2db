"""The shipped documents against the sandbox that is made of them: whatever is sent, it answers as its document says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from runner.catalogue import load_api, shipped_apis
from runner.sandbox.server import serve

EXAMPLES = 5
"""Requests of each kind, good and bad ones, that are made for each operation."""

FIXED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Talk:
    """Sends what was generated, to objects that earlier requests created where there are any."""

    def __init__(self, base_url: str, name: str) -> None:
        self.api = load_api(shipped_apis()[name], name=name)
        self.base_url = f"{base_url}/{name}"
        self.session = requests.Session()
        self.known: dict[str, int] = {}
        self.statuses: set[int] = set()

    def send(self, case: Any) -> None:
        for auth in self.api.auth:
            holder = case.query if auth.place == "query" else case.headers
            holder[auth.name] = "key"
        for name, key in self.known.items():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = key
        response = case.call(base_url=self.base_url, session=self.session)
        not_a_refusal = [response_schema_conformance] if response.status_code < 300 else []
        case.validate_response(response, checks=[not_a_server_error, *not_a_refusal])
        self.statuses.add(response.status_code)
        if response.status_code == 201:
            self._remember(case.path, response.json())

    def _remember(self, collection: str, written: Any) -> None:
        """The id of what was created is that of the parameter that follows the collection in longer paths."""
        for path in self.api.document["paths"]:
            if found := re.match(re.escape(collection) + r"/\{([^}]*)\}", path):
                self.known[found[1]] = written["id"]


@pytest.fixture
def base_url(folder: Path) -> Iterator[str]:
    server = serve(folder, shipped_apis())
    yield server.base_url
    server.close()


def operations(name: str) -> list[Any]:
    """All operations of a document, those that create before those that read what they created."""
    results: Iterable[Any] = schemathesis.openapi.from_path(
        shipped_apis()[name]
    ).get_all_operations()
    found = [result.ok() for result in results]
    return sorted(
        found,
        key=lambda operation: (
            operation.path.count("{"),
            operation.method != "post",
            operation.path,
        ),
    )


@pytest.mark.parametrize("name", sorted(shipped_apis()))
def test_whatever_is_sent_the_answer_is_the_documents(base_url: str, name: str) -> None:
    talk = Talk(base_url, name)
    for operation in operations(name):
        for mode in GenerationMode:

            @FIXED
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                talk.send(case)

            send()
    talk.session.close()
    assert 200 in talk.statuses
    assert talk.known or not any(o.effect == "create" for o in talk.api.operations.values())
