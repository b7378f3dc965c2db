"""Sandbox as a WSGI application: matches the route, checks the request, answers it, and logs the delivery.

It is plain WSGI routed by werkzeug rather than a Flask application: nothing that Flask adds is used here (views
written by hand, templates, sessions), and it would cost each request about as much as checking its body does. An
answer is decided, recorded, and only then sent: a fault of the delivery belongs before `_send`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from runner.catalogue import Api, decode_form
from runner.sandbox import exact_json
from runner.sandbox.answers import Answer, Call, answer_example, answer_item, create, update
from runner.sandbox.checks import Checks, read_body
from runner.sandbox.keys import Keys
from runner.sandbox.listing import answer_list
from runner.sandbox.refusals import EXTENSION, Failures, RefusedError, invalid, not_found, refused
from runner.sandbox.resources import shape
from runner.sandbox.routes import Act, Route, routes
from runner.sandbox.seeds import sow
from runner.sandbox.state import Place, State

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a body beyond which a request is refused."""

MAX_PARAMETERS = 200

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True, eq=False)
class _Endpoint:
    api: Api
    route: Route
    checks: Checks
    failures: Failures


@dataclass
class _Request:
    """Incoming request, and what is known of it by the time it is answered."""

    environ: Mapping[str, Any]
    method: str
    path: str
    api: Api | None = None
    endpoint: _Endpoint | None = None
    body: Any = None


def local_today() -> date:
    """Return today's date in the time zone of this machine."""
    return datetime.now().astimezone().date()


class Sandbox:
    """WSGI application at `base_url`. `keys` hold the permissions; `today` returns the current date."""

    def __init__(
        self,
        state: State,
        apis: Mapping[str, Api],
        *,
        base_url: str,
        keys: Keys,
        today: Callable[[], date] = local_today,
    ) -> None:
        self._state = state
        self._apis = apis
        self._base_url = base_url
        port = urlsplit(base_url).port
        # a name that somebody has made to point here is none of them: its pages would read what is kept
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        self._keys = keys
        self._today = today
        endpoints = [endpoint for api in apis.values() for endpoint in self._endpoints(api)]
        # Neither redirects nor merged slashes: the path is the document's, or there is no such route.
        rules = Map([_rule(endpoint) for endpoint in endpoints], merge_slashes=False)
        self._routes = rules.bind("127.0.0.1")

    def _endpoints(self, api: Api) -> list[_Endpoint]:
        """Return the endpoints of an API after storing its seeds and indexing its filters."""
        home = api.document["info"].get(EXTENSION, {}).get("state_of", "")
        resources, api_routes = routes(api, home=home if home in self._apis else "")
        for resource in resources:
            sow(self._state, api, resource, self._today())
        for route in api_routes:
            for criterion in route.filters:
                # No index helps a substring, or a field of the object that a reference names.
                if route.blueprint and criterion.match != "contains" and criterion.through is None:
                    resource = route.blueprint.resource
                    self._state.index(Place(resource.api, resource.collection), criterion.field)
        failures = Failures(api)
        checked = [
            (route, Checks(route.operation, caps=route.caps, called=route.called))
            for route in api_routes
        ]
        return [_Endpoint(api, route, checks, failures) for route, checks in checked]

    def __call__(
        self, environ: Mapping[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in self._hosts:
            return _send(Answer(421, {"error": "this is not its address"}), environ, start_response)
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if path == "/":
            places = {name: f"{self._base_url}/{name}" for name in sorted(self._apis)}
            home = {"sandbox": self._state.instance, "apis": places, "hits": self._keys.hits()}
            return _send(Answer(200, home), environ, start_response)
        request = _Request(
            environ, environ["REQUEST_METHOD"], path, self._apis.get(path.split("/")[1])
        )
        try:
            with self._state.exclusive():
                decided = self._decide(request)
                self._state.record(_delivery(request, decided))
        except OSError as error:
            # A 5xx, as of any server that fails: the client cannot know what was stored.
            full = refused(
                507, f"the sandbox cannot keep its state: {(error.strerror or str(error)).lower()}"
            )
            decided = Answer(full.status, full.body)
        return _send(decided, environ, start_response)

    def _decide(self, request: _Request) -> Answer:
        try:
            return self._answer(self._call(request))
        except RefusedError as refusal:
            self._state.undo()
            endpoint = request.endpoint
            if endpoint is None:
                return Answer(refusal.status, refusal.body)
            return Answer(*endpoint.failures.answer(refusal, endpoint.route.operation))

    def _answer(self, call: Call) -> Answer:
        """Execute a call. Raises RefusedError; the caller undoes what was changed by then."""
        blueprint, act = call.route.blueprint, call.route.act
        if blueprint is None or act is Act.EXAMPLE:
            return answer_example(call)
        if act is Act.CREATE:
            return create(self._state, call, blueprint)
        if act is Act.UPDATE:
            return update(self._state, call, blueprint)
        if act is Act.ITEM:
            return answer_item(self._state, call, blueprint)
        return answer_list(self._state, call, blueprint.resource)

    def _call(self, request: _Request) -> Call:
        """Return the request as a checked call. Raises RefusedError."""
        try:
            endpoint, ids = self._routes.match(request.path, request.method)
        except MethodNotAllowed:
            raise refused(405, "Method not allowed") from None
        except HTTPException:
            raise not_found() from None
        request.endpoint = endpoint
        given = _query(request)
        operation = endpoint.route.operation
        if operation.form:
            request.body = _form(request.environ, operation.body or {})
            given |= {
                auth.name: [str(request.body.pop(auth.name))]
                for auth in endpoint.api.auth
                if auth.in_form and auth.name in request.body
            }
        self._keys.check(endpoint.api, operation, request.environ, given)
        # After the check: credentials are no parameters, and must not reach the log.
        for secret in endpoint.api.auth:
            given.pop(secret.name, None)
        endpoint.checks.headers(request.environ)
        query = endpoint.checks.query(given)
        if operation.body is not None:
            request.body = request.body if operation.form else read_body(_content(request.environ))
            endpoint.checks.body(request.body)
        body = {} if operation.body is None else request.body
        return Call(
            endpoint.route,
            self._base_url,
            request.path,
            ids=tuple(ids.values()),
            given=given,
            query=query,
            body=body,
            today=self._today(),
        )


def _rule(endpoint: _Endpoint) -> Rule:
    """Return a route for werkzeug. The ids of a path are called p0, p1, ... since werkzeug needs unique names."""
    operation, parts = endpoint.route.operation, shape(endpoint.route.operation.path).split("{}")
    path = parts[0] + "".join(f"<p{number}>{part}" for number, part in enumerate(parts[1:]))
    return Rule(f"/{endpoint.api.name}{path}", methods=[operation.method], endpoint=endpoint)


def _query(request: _Request) -> dict[str, list[str]]:
    try:
        text = request.environ.get("QUERY_STRING", "")
        return parse_qs(
            text, keep_blank_values=True, errors="replace", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise refused(400, f"more than {MAX_PARAMETERS} query parameters") from None


def _form(environ: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return decode_form(_content(environ), schema)
    except ValueError as error:
        raise invalid({"body": [str(error)]}) from None


def _content(environ: Mapping[str, Any]) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY:
        raise refused(413, f"the body is larger than {MAX_BODY // 1024} KiB")
    content: bytes = environ["wsgi.input"].read(length)
    return content


def _delivery(request: _Request, decided: Answer) -> dict[str, Any]:
    """Return a line of the log.

    Secrets are left out: the User-Agent is the only header, and no parameter is a credential.
    """
    api, route = request.api, request.endpoint.route if request.endpoint else None
    secrets = {secret.name for secret in api.auth} if api else set()
    try:
        query = {k: v for k, v in _query(request).items() if k not in secrets}
    except RefusedError:
        query = {}
    effect = "read" if request.method in ("GET", "HEAD") else "write"
    return {
        "api": api.name if api else None,
        "operation": route.operation.name if route else None,
        "effect": route.operation.effect if route else effect,
        "method": request.method,
        "path": request.path.removeprefix(f"/{api.name}") if api else request.path,
        "query": {
            name: values[0] if len(values) == 1 else values for name, values in query.items()
        },
        "body": request.body,
        "status": decided.status,
        "id": decided.id,
        "user_agent": request.environ.get("HTTP_USER_AGENT"),
    }


def _send(
    decided: Answer, environ: Mapping[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    content = exact_json.encode(decided.body).encode("ascii")
    headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(content))),
    ]
    start_response(f"{decided.status} {HTTPStatus(decided.status).phrase}", headers)
    # The server would send a body after the headers of a HEAD, where the next answer is expected.
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]
