"""The second proof: reference and module of one running contract. Failures are counted (X01, X08)."""

from datetime import timedelta
from typing import NamedTuple

from ..contracts import lookup
from ..db import begin_write
from ..models import Contract
from . import rate_limits, refusals
from .limited_acts import Per


class PairAttempt(NamedTuple):
    """How an attempt ended: the contract, or perhaps a wait."""

    contract: Contract | None = None
    wait: timedelta | None = None
    #: Of the reference, before this attempt.
    failures: int = 0


def attempt(reference: str, module: str, *, origin: str) -> PairAttempt:
    """Find the running contract of both numbers; count a failure by reference and origin.

    The reference's counter stops only addresses with failures of their own: strangers cannot shut a tenant out (X08).
    Leaves a transaction open for the caller to commit.
    """
    begin_write()
    rate_limits.lock_counter("pair", Per.REFERENCE, _number(reference))  # parallel attempts wait for each other
    of_origin = rate_limits.state_of_origin("pair", origin)
    before = rate_limits.state_of("pair", Per.REFERENCE, _number(reference))
    wait = of_origin.wait or (before.wait if of_origin.failures else None)
    if wait is not None:
        return PairAttempt(wait=wait)
    contract = lookup.find_running(reference, module)
    if contract is None:
        _count_failure(reference, origin=origin)
        near = lookup.find(reference)
        refusals.record_refusal("signup_mismatch", Per.REFERENCE, _number(reference), contract=near, step=3)
    return PairAttempt(contract, failures=before.failures)


def count_refusal(reference: str, *, origin: str) -> None:
    """Count a refusal of right numbers, which reveals them, in a new transaction."""
    begin_write()
    _count_failure(reference, origin=origin)


def clear_failures(reference: str, failures: int, *, origin: str) -> None:
    """Take the failures back once the right numbers were found."""
    if failures:
        rate_limits.clear("pair", Per.REFERENCE, _number(reference))
        rate_limits.uncount_origin_failures("pair", origin, failures)


def _count_failure(reference: str, *, origin: str) -> None:
    rate_limits.count_failure("pair", Per.REFERENCE, _number(reference))
    rate_limits.count_origin_failure("pair", origin)


def _number(reference: str) -> str:
    return reference.lstrip("0")
