"""One request over HTTP (`client`) and how far it got; mail by SMTP. The only room that imports requests and h11."""

from runner.transport.exchange import CUT_SHORT, Failure, Reply

__all__ = ["CUT_SHORT", "Failure", "Reply"]
