"""What leaves this machine and what does not: one host, no ambient settings, secrets in their place only."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from faults import actions
from faults.bench import CANARY, CATALOGUE, SECRETS, Bench
from faults.server import Exchange, FaultServer, behave

from runner.catalogue import Request, build_request
from runner.problems import ConfigError
from runner.transport import Failure, Reply
from runner.transport.client import Transport


def order(base_url: str) -> Request:
    return build_request(
        CATALOGUE.operation("shop.create_order"), {"reference": "Zoë 1"}, base_url=base_url
    )


def test_what_is_sent(server: FaultServer, bench: Bench) -> None:
    transport = bench.transport()
    reply = transport.send(transport.prepare(order(bench.base_url)))
    assert isinstance(reply, Reply)
    (delivery,) = server.deliveries()
    assert (delivery.method, delivery.path, delivery.body) == (
        "POST",
        "/orders",
        '{"reference":"Zoë 1"}',
    )
    assert delivery.query == {"token": CANARY + "?"}
    wanted = {
        "accept",
        "accept-encoding",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-api-key",
    }
    assert set(delivery.headers) == wanted
    assert delivery.headers["x-api-key"] == CANARY
    assert delivery.headers["user-agent"] == "bench/1"
    assert delivery.headers["accept-encoding"] == "identity"
    transport.send(transport.prepare(order(bench.base_url)), write=True)
    last = server.deliveries()[-1]
    assert set(last.headers) == {*wanted, "connection"}
    assert last.headers["connection"] == "close"


def test_a_way_for_gets_lets_nothing_else_out(server: FaultServer, bench: Bench) -> None:
    auth = CATALOGUE["shop"].auth
    transport = Transport(
        base_url=bench.base_url, auth=auth, secrets=SECRETS, user_agent="bench/1", gets_only=True
    )
    with pytest.raises(ConfigError, match="a POST was refused"):
        transport.send(transport.prepare(order(bench.base_url)))
    transport.close()
    assert server.deliveries() == []


def test_secrets_are_in_the_prepared_request_only(bench: Bench) -> None:
    request = order(bench.base_url)
    bench.transport().prepare(request)
    for form in (CANARY, quote(CANARY), quote(CANARY, safe=""), quote_plus(CANARY)):
        assert form not in repr(request)
        assert form not in repr(SECRETS)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_a_proxy_in_the_environment_sees_nothing(
    server: FaultServer, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    with FaultServer(tmp_path, name="proxy") as proxy:
        monkeypatch.setenv(name, proxy.url)
        transport = bench.transport()
        assert isinstance(transport.send(transport.prepare(order(bench.base_url))), Reply)
        assert proxy.connections == 0


def test_netrc_replaces_nothing(
    server: FaultServer, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    transport = bench.transport()
    transport.send(transport.prepare(order(bench.base_url)))
    (delivery,) = server.deliveries()
    assert "authorization" not in delivery.headers


def test_cookies_are_not_sent_back(server: FaultServer, bench: Bench) -> None:
    def with_cookie(exchange: Exchange) -> bool:
        exchange.send(
            b'HTTP/1.1 201 Created\r\nSet-Cookie: s=1; Path=/\r\nContent-Length: 9\r\n\r\n{"id": 7}'
        )
        return True

    server.on("POST", "/orders", with_cookie, nth=1)
    transport = bench.transport()
    for _ in range(2):
        transport.send(transport.prepare(order(bench.base_url)))
    assert "cookie" not in server.deliveries()[1].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:{port}@x.invalid",
    ],
)
def test_a_request_to_another_origin_is_refused(
    server: FaultServer, bench: Bench, url: str
) -> None:
    transport = bench.transport()
    with pytest.raises(ConfigError):
        transport.prepare(order(url.format(port=server.port)))
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://api.shop.invalid",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "https://a:b@127.0.0.1",
        "http://127.0.0.1.invalid",
        "",
    ],
)
def test_an_address_that_keys_do_not_go_to(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Transport(base_url=url, auth=CATALOGUE["shop"].auth, secrets=SECRETS, user_agent="bench/1")
    assert CANARY not in str(caught.value)


def test_threads_do_not_see_each_others_exchange(server: FaultServer, bench: Bench) -> None:
    """A request that is written while another thread's is refused must not make that one look sent."""
    barrier = threading.Barrier(2)

    def together(exchange: Exchange) -> bool:
        barrier.wait(30)
        return behave(exchange)

    server.on("POST", "/orders", together)
    transport, nobody = bench.transport(), bench.transport(base_url="http://127.0.0.1:1")
    replies: list[Reply | Failure] = []
    thread = threading.Thread(
        target=lambda: replies.append(transport.send(transport.prepare(order(bench.base_url))))
    )
    thread.start()
    failure = nobody.send(nobody.prepare(order("http://127.0.0.1:1")))
    barrier.wait(30)
    thread.join(30)
    assert isinstance(failure, Failure)
    assert not failure.written
    assert isinstance(replies[0], Reply)


@pytest.fixture
def tls_server(tmp_path: Path, certificate: Mapping[str, Path]) -> Iterator[FaultServer]:
    """A server that speaks TLS from the first byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["certificate"], certificate["key"])
    with FaultServer(tmp_path, name="tls", tls=context) as server:
        yield server


def test_an_unknown_certificate_is_refused_before_a_byte_is_written(
    tls_server: FaultServer, bench: Bench
) -> None:
    url = f"https://127.0.0.1:{tls_server.port}"
    transport = bench.transport(base_url=url)
    failure = transport.send(transport.prepare(order(url)))
    assert isinstance(failure, Failure)
    assert (failure.written, failure.untrusted) == (False, True)
    assert tls_server.deliveries() == []


def test_over_tls_as_well(
    tls_server: FaultServer,
    bench: Bench,
    certificate: Mapping[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same watch over the socket; the certificate is trusted here by replacing the bundle that requests ships."""
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate["certificate"]))
    url = f"https://127.0.0.1:{tls_server.port}"
    transport = bench.transport(base_url=url)
    reply = transport.send(transport.prepare(order(url)))
    assert isinstance(reply, Reply)
    assert reply.status == 201
    tls_server.on("POST", "/orders", lambda _: False)
    failure = transport.send(transport.prepare(order(url)))
    assert isinstance(failure, Failure)
    assert failure.written


def test_a_deadline_over_tls(
    tls_server: FaultServer,
    bench: Bench,
    certificate: Mapping[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate["certificate"]))
    tls_server.on("POST", "/orders", actions.trickle_body())
    bench.deadline = 0.5
    url = f"https://127.0.0.1:{tls_server.port}"
    transport = bench.transport(base_url=url)
    failure = transport.send(transport.prepare(order(url)))
    assert isinstance(failure, Failure)
    assert (failure.written, failure.status, failure.reason) == (True, 201, "no answer in time")


def test_keys_of_encrypted_connections_are_written_nowhere(
    tls_server: FaultServer,
    bench: Bench,
    certificate: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor do certificates that the environment trusts count."""
    keys, url = tmp_path / "keys.log", f"https://127.0.0.1:{tls_server.port}"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate["certificate"]))
    transport = bench.transport(base_url=url)
    failure = transport.send(transport.prepare(order(url)), write=True)
    assert isinstance(failure, Failure)
    assert failure.untrusted
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate["certificate"]))
    transport = bench.transport(base_url=url)
    assert isinstance(transport.send(transport.prepare(order(url)), write=True), Reply)
    assert not keys.exists()


def test_a_server_at_an_ipv6_address() -> None:
    """The address stands in brackets in a URL, and in every text that is read as one again."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    url = f"http://[::1]:{listener.getsockname()[1]}"
    auth = CATALOGUE["shop"].auth
    transport = Transport(base_url=url, auth=auth, secrets=SECRETS, user_agent="tests/1")
    request = build_request(CATALOGUE.operation("shop.list_terms"), {}, base_url=url)
    reply = transport.send(transport.prepare(request), write=False)
    assert isinstance(reply, Reply)
    assert reply.content == b"[]"
    thread.join()
    listener.close()
    transport.close()
