"""What the trials share with the journeys."""

from tests.journeys.conftest import database_dump

__all__ = ["database_dump"]
