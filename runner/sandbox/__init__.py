"""The APIs on loopback, built from nothing but their documents (`server`): stateful, and with a log of deliveries."""

from runner.sandbox.deliveries import instance_of

__all__ = ["instance_of"]
