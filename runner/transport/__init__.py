"""One request over HTTP, and how far it got; a mail by SMTP. The only room that knows requests."""

from runner.transport.client import Failure, Reply, Transport

__all__ = ["Failure", "Reply", "Transport"]
