"""One mail to a real SMTP server on loopback: taken, refused, unencrypted, silent; no secret in what is said."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cli.inbox import Inbox
from cli.inbox import smtp as server

from runner.config import Secret
from runner.config.notices import Mail
from runner.transport.mail import send_mail

CANARY = "p@ss-canary-31"


@contextmanager
def smtp(inbox: Inbox, **settings: Any) -> Iterator[Mail]:
    with server(inbox, **settings) as port:
        yield Mail(("ops@example.com",), "runner@example.com", "127.0.0.1", port, "none")


def message(mail: Mail) -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = mail.sender, ", ".join(mail.to), "Grüße"
    found.set_content("ü\n")
    return found


def send(mail: Mail, *, seconds: float = 20) -> str:
    reason = send_mail(
        mail, message(mail), password=Secret(CANARY) if mail.user else None, seconds=seconds
    )
    assert CANARY not in reason
    return reason


def test_what_is_taken() -> None:
    inbox = Inbox()
    with smtp(inbox) as mail:
        assert send(mail) == ""
    assert b"To: ops@example.com" in inbox.taken[0]


def test_recipients_that_are_refused() -> None:
    inbox = Inbox()
    with smtp(inbox) as mail:
        assert (
            send(replace(mail, to=("nobody@example.com",)))
            == "the server refuses nobody@example.com"
        )
        both = replace(mail, to=("nobody@example.com", "ops@example.com"))
        assert send(both) == "the server refuses nobody@example.com"
    assert len(inbox.taken) == 1


def test_user_and_password() -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
        assert isinstance(auth, LoginPassword)
        right = auth.login == b"runner" and auth.password == CANARY.encode()
        return AuthResult(success=right, handled=False)

    inbox = Inbox()
    with smtp(inbox, authenticator=check, auth_require_tls=False) as mail:
        assert send(replace(mail, user="runner")) == ""
        assert send(replace(mail, user="other")) == "the server refuses user and password (535)"
    assert len(inbox.taken) == 1


def test_encryption(certificate: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["certificate"], certificate["key"])
    inbox = Inbox()
    with smtp(inbox, tls_context=context) as mail:
        encrypted = replace(mail, tls="starttls")
        assert send(encrypted) == "the certificate could not be verified"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate["certificate"]))
        assert send(encrypted) == ""
    with smtp(inbox) as mail:
        assert send(replace(mail, tls="starttls")) == "the server offers no encryption"
    with smtp(inbox, ssl_context=context) as mail:
        assert send(replace(mail, tls="implicit")) == ""
    assert len(inbox.taken) == 2


def test_one_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        mail = Mail(
            ("a@example.com",), "b@example.com", "127.0.0.1", listening.getsockname()[1], "none"
        )
        assert (
            send(mail, seconds=0.2) == "the server closed the connection, or did not answer in time"
        )
    assert send(mail) == "connection refused"


def test_one_that_trickles() -> None:
    """Each byte comes in time, and the whole does not."""
    done = threading.Event()

    def trickle() -> None:
        peer, _ = listening.accept()
        with peer:
            peer.sendall(b"220 hello\r\n")
            try:
                while not done.wait(0.02):
                    peer.sendall(b"2")
            except OSError:  # cut off, as it should be
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle)
        thread.start()
        mail = Mail(
            ("a@example.com",), "b@example.com", "127.0.0.1", listening.getsockname()[1], "none"
        )
        assert (
            send(mail, seconds=0.3) == "the server closed the connection, or did not answer in time"
        )
        done.set()
        thread.join()


def test_a_host_that_is_not_known() -> None:
    assert (
        send(Mail(("a@example.com",), "b@example.com", "smtp.invalid", 25, "none"))
        == "the host's name is not known"
    )


def test_the_keys_of_a_session_go_to_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    inbox = Inbox()
    with smtp(inbox) as mail:
        send(replace(mail, tls="starttls"))
        send(replace(mail, tls="implicit"))
    assert not (tmp_path / "keys").exists()
