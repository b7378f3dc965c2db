"""Mail by SMTP, encrypted unless the server is this machine, with the result as a short text."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from email.message import EmailMessage
from typing import TYPE_CHECKING

from runner.config import Secret
from runner.config.notices import Mail

if TYPE_CHECKING:
    import smtplib
    import ssl

SECONDS = 20.0
"""Seconds for opening the connection, and again for the mail on it."""


def send_mail(
    mail: Mail, message: EmailMessage, *, password: Secret | None, seconds: float = SECONDS
) -> str:
    """Send a message; return "" when the server accepted it, else why not, free of secrets and the server's texts."""
    # Imported on use: few runs send mail.
    import smtplib
    import ssl

    try:
        with _connected(mail, seconds) as server:
            # smtplib's timeout is for each read: a server that trickles would hold a run forever.
            timer = threading.Timer(seconds, _cut_off, (server,))
            timer.start()
            try:
                return _hand_over(server, mail, message, password)
            finally:
                timer.cancel()
    except smtplib.SMTPAuthenticationError as error:
        return f"the server refuses user and password ({error.smtp_code})"
    except smtplib.SMTPRecipientsRefused as error:
        return f"the server refuses {', '.join(sorted(error.recipients))}"
    except smtplib.SMTPResponseException as error:
        return f"the server answered {error.smtp_code}"
    except smtplib.SMTPNotSupportedError:
        return "the server offers no " + ("encryption" if mail.tls == "starttls" else "login")
    except smtplib.SMTPServerDisconnected:
        return "the server closed the connection, or did not answer in time"
    except ssl.SSLCertVerificationError:
        return "the certificate could not be verified"
    except TimeoutError:
        return "no answer in time"
    except ConnectionRefusedError:
        return "connection refused"
    except socket.gaierror:
        return "the host's name is not known"
    except OSError as error:
        return f"connection failed ({type(error).__name__})"


def _tls() -> ssl.SSLContext:
    """A context that verifies chain and host name; the keys of a session go to no file, whatever SSLKEYLOGFILE says."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


def _connected(mail: Mail, seconds: float) -> smtplib.SMTP:
    import smtplib

    if mail.tls == "implicit":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=seconds, context=_tls())
    return smtplib.SMTP(mail.host, mail.port, timeout=seconds)


def _hand_over(
    server: smtplib.SMTP, mail: Mail, message: EmailMessage, password: Secret | None
) -> str:
    """The conversation after the greeting. Some of the recipients refused is told; all of them raises."""
    if mail.tls == "starttls":
        server.starttls(context=_tls())
    if mail.user and password is not None:
        server.login(mail.user, password.reveal())
    refused = server.send_message(message)
    return f"the server refuses {', '.join(sorted(refused))}" if refused else ""


def _cut_off(server: smtplib.SMTP) -> None:
    """Shut down the socket of a conversation that exceeds its time, regardless of what it waits for."""
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)
