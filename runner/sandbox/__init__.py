"""The APIs on loopback, built from nothing but their documents: stateful, and with a log of what was delivered."""

from runner.sandbox.server import Server, attach, serve
from runner.sandbox.state import State, instance_of

__all__ = ["Server", "State", "attach", "instance_of", "serve"]
