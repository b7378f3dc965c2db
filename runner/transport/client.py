"""Client that sends one request at most once and reports exactly how far it got.

No redirects, no retries, nothing from the environment (proxies, .netrc), host and scheme asserted on the prepared
request, one deadline for the whole exchange. A write has a connection of its own, so that no other answer can be
mistaken for its answer. How far a request got is noted where its bytes are written, not derived from an exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

import requests
import requests.adapters

from runner.catalogue import FORM, Auth, Request
from runner.config import KeepAlive, Secret
from runner.config.address import is_address
from runner.config.masking import Mask
from runner.problems import ConfigError
from runner.transport.adapter import Adapter, Clearance, FailedError
from runner.transport.exchange import Failure, Reply

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of an answer's decompressed body beyond which the answer is unusable."""

DEADLINE_SECONDS = 60.0


class Transport:
    """Sends the requests of one account to one base URL. Thread-safe; secrets are added at the send.

    With `gets_only` it refuses everything but a GET, whoever asks for it. `keep_alive` says what may share connections.
    `mask` takes out of answers what they repeat of secrets: those of this API by default.
    """

    def __init__(
        self, *, base_url: str, auth: tuple[Auth, ...], secrets: Mapping[str, Secret], user_agent: str,
        deadline: float = DEADLINE_SECONDS, max_answer: int = MAX_ANSWER, gets_only: bool = False,
        keep_alive: KeepAlive = "reads", mask: Mask | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if not is_address(base_url):
            raise _no_address(base_url)
        self._origin = _origin(base_url)
        self.secure = self._origin.startswith("https:")
        """True for encrypted connections, which may be to a distant host and slow to open."""
        self._auth, self._secrets = auth, secrets
        self.mask = Mask(secret.reveal() for secret in secrets.values()) if mask is None else mask
        """What takes secrets out of answers, and of all that is told of them."""
        self._user_agent, self._deadline = user_agent, deadline
        self._gets_only, self._keep_alive = gets_only, keep_alive
        authorities = requests.adapters.DEFAULT_CA_BUNDLE_PATH
        self._adapter = Adapter(
            self._origin, authorities=authorities, max_answer=max_answer, clock=clock
        )

    def send(
        self,
        prepared: requests.PreparedRequest,
        *,
        write: bool = False,
        money: bool = False,
        clearance: Clearance = lambda: "",
    ) -> Reply | Failure:
        """Send the request once; `clearance` is called when the connection is open, before the first byte.

        A write has a connection of its own unless the target reuses those of writes; one that moves money always has.
        """
        if self._gets_only and prepared.method != "GET":
            raise ConfigError(f"a {prepared.method} was refused: only GETs go out here")
        reuse = self._keep_alive != "never" and not write
        reuse = reuse or (self._keep_alive == "writes" and not money)
        start = time.monotonic()
        try:
            response = self._adapter.send(
                prepared, timeout=self._deadline, reuse=reuse, clearance=clearance
            )
        except FailedError as error:
            return error.failure._replace(seconds=time.monotonic() - start)
        return self._reply(response, time.monotonic() - start)

    def _reply(self, response: requests.Response, seconds: float) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        headers = {name: self.mask.data(value) for name, value in headers.items()}
        return Reply(response.status_code, headers, self.mask.answer(response.content), seconds)

    def close(self) -> None:
        """Close the idle connections; none may be in use."""
        self._adapter.close()

    def prepare(self, request: Request) -> requests.PreparedRequest:
        """Return the request as it is sent. Raises ConfigError when it would leave the target's host."""
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
                body += (b"&" if body else b"") + urlencode({auth.name: value}).encode()
            else:
                url += ("&" if "?" in url else "?") + urlencode({auth.name: value})
        prepared = _prepared(request.method, url, headers, body or None)
        # Checked on the result: a path that a recipe renders may have changed the host.
        if _origin(str(prepared.url)) != self._origin:
            raise ConfigError(f"a request to another host than {self._origin} was refused")
        return prepared


def _prepared(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> requests.PreparedRequest:
    """Return the result of requests.Request.prepare, without its checks for a stream or a file as the body."""
    prepared = requests.PreparedRequest()
    prepared.prepare_method(method)
    prepared.prepare_url(url, None)
    prepared.prepare_headers(headers)
    prepared.prepare_cookies({})
    prepared.body = body
    prepared.prepare_content_length(body)
    prepared.prepare_auth(None, url)
    return prepared


def _no_address(url: str) -> ConfigError:
    return ConfigError(f"{url!r} is not an address of an API", remedy="write https://host/path")


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL. Plain http is allowed to this machine only."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    # A user in the URL can hide the real host: https://api.example.com@evil.example.
    if default is None or not parts.hostname or parts.username is not None:
        raise _no_address(url)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(
            f"{url!r} is not encrypted", remedy="write https://; http is for this machine only"
        )
    # urlsplit takes the brackets off an IPv6 address.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or default}"
