"""Refusals in the journal, once for each key and hour."""

from typing import Any

from ..audit import record
from . import rate_limits
from .limited_acts import Per


def record_refusal(name: str, per: Per, whose: str, **facts: Any) -> None:
    """Record a refusal, once for its key and hour: a flood fills no disk (X20)."""
    if rate_limits.count_once("refusal", per, f"{name}/{whose}", otherwise=True):
        record(name, **facts)
