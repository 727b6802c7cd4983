"""The former place of `upgrade`, which a host may call at its start."""

from .operations.migrations import upgrade

__all__ = ["upgrade"]
