"""One request over HTTP, and how far it got. The only room that knows requests."""

from runner.transport.client import Failure, Reply, Transport

__all__ = ["Failure", "Reply", "Transport"]
