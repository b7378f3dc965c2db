"""Sending one request, at most once, and saying exactly how far it got.

No redirects, no retries, nothing from the environment (proxies, .netrc), host and scheme asserted on the prepared
request, one deadline for the whole exchange. How far a request got is read off the socket, not off the class of an
exception: whether a byte of it was written, and whether a byte of an answer was read.
"""

from __future__ import annotations

import base64
import html
import json
import socket
import threading
import time
from collections.abc import Mapping
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from runner.catalogue import FORM, Auth, Request
from runner.config import Secret
from runner.problems import ConfigError
from runner.transport.exchange import Failure, Reply
from runner.transport.sockets import CONNECT_SECONDS, EXCHANGE, Pool, TLSPool, TLSSocket

SHORTEST_SECRET = 4
"""Characters below which a secret is not looked for in answers: it would be found everywhere."""

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of an answer's body, decompressed, that are read before it counts as unusable."""

DEADLINE_SECONDS = 60.0


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = TLSSocket
        super().init_poolmanager(*args, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TLSPool}


class Transport:
    """Sends the requests of one account to one base URL; a session for each thread. Secrets are added at the send.

    With `gets_only` it refuses everything but a GET, whoever asks for it.
    """

    def __init__(
        self, *, base_url: str, auth: tuple[Auth, ...], secrets: Mapping[str, Secret], user_agent: str,
        deadline: float = DEADLINE_SECONDS, max_answer: int = MAX_ANSWER, gets_only: bool = False,
    ) -> None:  # fmt: skip
        self._origin = _origin(base_url)
        self._auth, self._secrets = auth, secrets
        forms = {form for secret in secrets.values() for form in _forms(secret.reveal())}
        self._secret_forms = sorted(forms, key=len, reverse=True)  # the longer may hold the shorter
        self._user_agent, self._deadline = user_agent, deadline
        self._max_answer, self._gets_only = max_answer, gets_only
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def send(self, prepared: requests.PreparedRequest, *, fresh: bool = False) -> Reply | Failure:
        """Send it once. `fresh`: on a connection of its own, since a stale one is the commonest cause of an unknown."""
        if self._gets_only and prepared.method != "GET":
            raise ConfigError(f"a {prepared.method} was refused: only GETs go out here")
        session = self._session(fresh=fresh)
        start = time.monotonic()
        EXCHANGE.written, EXCHANGE.deadline = False, start + self._deadline
        status = 0
        try:
            with session.send(
                prepared, stream=True, allow_redirects=False, proxies={}, verify=True, cert=None,
                timeout=(min(CONNECT_SECONDS, self._deadline), self._deadline),
            ) as response:  # fmt: skip
                status = response.status_code
                content = self._without_secrets(_read(response, max_bytes=self._max_answer))
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(status, headers, content, time.monotonic() - start)
        except requests.exceptions.SSLError:
            reason = f"{self._origin}: the certificate could not be verified"
            written = EXCHANGE.written
            return Failure(written, status, reason, time.monotonic() - start, untrusted=not written)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            _TooLargeError,
        ) as error:
            return Failure(EXCHANGE.written, status, _reason(error), time.monotonic() - start)
        finally:
            if fresh:
                session.close()

    def _without_secrets(self, content: bytes) -> bytes:
        """An answer may repeat what it was sent: no secret gets from there into a journal or onto a screen."""
        for form in self._secret_forms:
            content = content.replace(form, b"***")
        return content

    def close(self) -> None:
        """Close the connections of all threads; none may be in use."""
        while self._sessions:
            self._sessions.pop().close()

    def prepare(self, request: Request) -> requests.PreparedRequest:
        """The request as it goes on the wire. Raises ConfigError when it would leave the target's host."""
        url = request.url
        headers = {**request.headers, "Accept": "application/json", "User-Agent": self._user_agent}
        body = request.content()
        if body is not None:
            headers["Content-Type"] = FORM if request.form else "application/json"
        for auth in self._auth:
            value = auth.value(self._secrets[auth.secret].reveal())
            if auth.place == "header":
                headers[auth.name] = value
            elif auth.in_form and request.form and body is not None:
                body += b"&" * bool(body) + urlencode({auth.name: value}).encode()
            else:
                url += ("&" if "?" in url else "?") + urlencode({auth.name: value})
        prepared = _prepared(request.method, url, headers, body or None)
        if _origin(str(prepared.url)) != self._origin:
            raise ConfigError(f"a request to another host than {self._origin} was refused")
        return prepared

    def _session(self, *, fresh: bool) -> requests.Session:
        if fresh:
            return _new_session()
        if not hasattr(self._local, "session"):
            self._local.session = _new_session()
            self._sessions.append(self._local.session)
        session: requests.Session = self._local.session
        return session


def _prepared(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> requests.PreparedRequest:  # fmt: skip
    """What requests.Request.prepare makes of these, without its looks at whether the body is a stream or a file."""
    prepared = requests.PreparedRequest()
    prepared.prepare_method(method)
    prepared.prepare_url(url, None)
    prepared.prepare_headers(headers)
    prepared.prepare_cookies({})
    prepared.body = body
    prepared.prepare_content_length(body)
    prepared.prepare_auth(None, url)
    return prepared


def _new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.mount("https://", _Adapter(max_retries=0, pool_connections=1, pool_maxsize=1))
    session.mount("http://", _Adapter(max_retries=0, pool_connections=1, pool_maxsize=1))
    return session


class _TooLargeError(Exception):
    pass


def _forms(secret: str) -> set[bytes]:
    """How a secret may stand in an answer: as it is, in JSON, in a URL, in HTML, in base64."""
    texts = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts |= {quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}
    coded = {base64.b64encode(secret.encode()), base64.urlsafe_b64encode(secret.encode())}
    return {text.encode() for text in texts if len(text) >= SHORTEST_SECRET} | coded


def _read(response: requests.Response, *, max_bytes: int) -> bytes:
    """The body, decompressed and capped. A body shorter than announced is an error, not an answer."""
    chunks, size = [], 0
    for chunk in response.iter_content(65536):
        size += len(chunk)
        if size > max_bytes:
            raise _TooLargeError(f"the answer is larger than {max_bytes:,} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _origin(url: str) -> str:
    """Scheme, host and port of a URL. Plain http goes to this machine only."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname or parts.username is not None:
        raise ConfigError(f"{url!r} is not an address of an API", remedy="write https://host/path")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(
            f"{url!r} is not encrypted", remedy="write https://; http is for this machine only"
        )
    return f"{parts.scheme}://{parts.hostname}:{parts.port or default}"


def _reason(error: BaseException) -> str:
    """What happened, in a few words and without the request's URL, which may carry a secret."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 8:
        chain.append(current)
        current = (
            next((a for a in current.args if isinstance(a, BaseException)), None)
            or current.__context__
        )
    if isinstance(error, _TooLargeError):
        return str(error)
    if any(
        isinstance(link, RemoteDisconnected) for link in chain
    ):  # a kind of ConnectionResetError
        return "connection closed before an answer"
    known: list[tuple[tuple[type[BaseException], ...], str]] = [
        ((socket.gaierror, urllib3.exceptions.NameResolutionError), "the host's name is not known"),
        ((ConnectionRefusedError,), "connection refused"),
        ((ConnectionResetError, BrokenPipeError), "connection reset"),
        ((urllib3.exceptions.NewConnectionError,), "no connection could be made"),
        ((urllib3.exceptions.ConnectTimeoutError,), "no connection in time"),
        ((TimeoutError, urllib3.exceptions.ReadTimeoutError), "no answer in time"),
        ((urllib3.exceptions.IncompleteRead,), "the answer was cut short"),
        ((urllib3.exceptions.DecodeError,), "the answer could not be decompressed"),
    ]
    for types, words in known:
        if any(isinstance(link, types) for link in chain):
            return words
    return f"connection failed ({type(chain[-1]).__name__})"
