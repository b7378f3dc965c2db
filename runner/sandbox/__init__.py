"""The APIs on loopback, built from their documents alone (`server`): stateful, with a log of deliveries."""

from runner.sandbox.deliveries import instance_of

__all__ = ["instance_of"]
