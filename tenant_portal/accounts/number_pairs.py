"""The second proof: are these two numbers those of one running contract? Every look is counted (X01, X08)."""

from datetime import timedelta
from typing import NamedTuple

from ..contracts import lookup
from ..db import begin_write
from ..models import Contract
from . import rate_limits, refusals
from .limited_acts import Per


class Look(NamedTuple):
    """What a look at two numbers has shown: their contract, or nothing and perhaps how long the next one must wait."""

    contract: Contract | None = None
    wait: timedelta | None = None
    #: Slips that were counted for the reference before.
    failures: int = 0


def look(reference: str, module: str, *, origin: str) -> Look:
    """Return the running contract that carries both numbers; whoever slips is slowed down, by reference and origin.

    The counter of the reference does not stop an address without slips, or strangers could shut a tenant out (X08). A
    write is left open, for the caller to commit if nothing was found.
    """
    begin_write()
    rate_limits.lock_counter("pair", Per.REFERENCE, _number(reference))  # looks at one reference wait for each other
    around = rate_limits.state_of_origin("pair", origin)
    before = rate_limits.state_of("pair", Per.REFERENCE, _number(reference))
    wait = around.wait or (before.wait if around.failures else None)
    if wait is not None:
        return Look(wait=wait)
    contract = lookup.find_running(reference, module)
    if contract is None:
        _slip(reference, origin=origin)
        near = lookup.find(reference)
        refusals.record_refusal("signup_mismatch", Per.REFERENCE, _number(reference), contract=near, step=3)
    return Look(contract, failures=before.failures)


def count_refusal(reference: str, *, origin: str) -> None:
    """Count a look at the right numbers that came to nothing, in a write of its own: what it told was a look too."""
    begin_write()
    _slip(reference, origin=origin)


def forgive(reference: str, failures: int, *, origin: str) -> None:
    """Take the slips of whoever found the right numbers in the end off the counters."""
    if failures:
        rate_limits.clear_failures("pair", Per.REFERENCE, _number(reference))
        rate_limits.uncount_origin_failures("pair", origin, failures)


def _slip(reference: str, *, origin: str) -> None:
    rate_limits.count_failure("pair", Per.REFERENCE, _number(reference))
    rate_limits.count_origin_failure("pair", origin)


def _number(reference: str) -> str:
    return reference.lstrip("0")
