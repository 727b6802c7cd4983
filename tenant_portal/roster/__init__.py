"""The landlord's list of contracts. `take` brings the contracts to what a roster says, for commands and hosts alike."""

from .importer import take

__all__ = ["take"]
