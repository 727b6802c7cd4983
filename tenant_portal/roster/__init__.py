"""The landlord's list of contracts. Commands and hosts import from here: `read` a file, then `take` its rows."""

from .csv_reader import read
from .importer import take

__all__ = ["read", "take"]
