"""The landlord's list of contracts: `read` a file, then `take` its rows."""

from .csv_reader import read
from .importer import take
from .report import Fault, Report
from .words import COLUMNS

__all__ = ["COLUMNS", "Fault", "Report", "read", "take"]
