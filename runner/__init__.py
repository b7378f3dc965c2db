"""A declarative batch runner for order-management APIs."""

__version__ = "0.1.0"
