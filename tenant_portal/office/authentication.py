"""The login of the staff: address and password, then a code; failures are counted as for tenants."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select

from .. import audit
from ..accounts import passwords, rate_limits, refusals
from ..accounts.limited_acts import FREE_FAILURES, Per
from ..accounts.rate_limits import RateLimitState
from ..accounts.sessions import digest
from ..db import begin_write, db
from ..mail import landlord_mails
from . import second_factor, sessions, staff
from .models import Staff

#: No row has it.
_NOBODY = 0


class Attempt(NamedTuple):
    """How it ended: with somebody, after a refusal, or with a wait."""

    staff: Staff | None = None
    wait: timedelta | None = None


def check_password(email: str, password: str, *, device: str, origin: str) -> Attempt:
    """Check address and password; the work is the same for an address that nobody has.

    Leaves a transaction open for the caller to commit.
    """
    email = email.lower()
    row = db.session.execute(select(Staff.id, Staff.password_hash).where(Staff.email == email)).one_or_none()
    number, password_hash = (row.id, row.password_hash) if row is not None else (_NOBODY, None)
    is_known_device = sessions.knows_device(number, device)
    per = Per.DEVICE if is_known_device else Per.ACCOUNT
    whose = f"{number}:{digest(device)[:32]}" if is_known_device else str(number or f"address {digest(email)[:32]}")
    before = rate_limits.state_of("staff login", per, whose)
    of_origin = RateLimitState() if is_known_device else rate_limits.state_of_origin("staff login", origin)
    wait = before.wait or of_origin.wait
    if wait is not None:
        begin_write()
        refusals.record_refusal("staff_login_delayed", Per.REFERENCE, whose, actor="staff", detail=f"staff {number}")
        return Attempt(wait=wait)
    db.session.rollback()  # frees the connection while hashing
    fit = passwords.verify(password_hash, password)
    fresh = passwords.hash(password) if fit and passwords.needs_rehash(str(password_hash), fit) else None
    begin_write()
    found = db.session.get(Staff, number, with_for_update=True, populate_existing=True)
    before = rate_limits.state_of("staff login", per, whose)  # parallel tries may have failed meanwhile
    is_right = bool(fit) and found is not None and found.is_enrolled and found.password_hash == password_hash
    if found is None or not is_right or before.wait is not None:
        failures = rate_limits.count_failure("staff login", per, whose)
        if per is Per.ACCOUNT:
            rate_limits.count_origin_failure("staff login", origin)
        refusals.record_refusal("staff_login_refused", Per.REFERENCE, whose, actor="staff", detail=f"staff {number}")
        if failures == FREE_FAILURES and per is Per.ACCOUNT:
            known = found is not None and found.is_enrolled
            landlord_mails.staff_changed(found.email if found is not None and known else "", what="tries")
        return Attempt(wait=before.wait)
    if before.failures:
        rate_limits.clear("staff login", per, whose)
        if per is Per.ACCOUNT:
            rate_limits.uncount_origin_failures("staff login", origin, before.failures)
    rate_limits.forgive_origin("staff login", origin, number)
    found.password_hash = fresh or found.password_hash
    return Attempt(found)


def check_code(staff_id: int, typed: str) -> Attempt:
    """Check the code of a telephone, or a recovery code; each is good once, whoever sends it twice at once.

    The password was right before: only who knows it counts here.
    """
    begin_write()
    found = db.session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if found is None or not found.is_enrolled:
        return Attempt()
    before = rate_limits.state_of("staff code", Per.ACCOUNT, found.id)
    if before.wait is not None:
        return Attempt(wait=before.wait)
    step = second_factor.fresh_step(found, typed)
    if step is None and not staff.use_recovery_code(found, typed):
        failures = rate_limits.count_failure("staff code", Per.ACCOUNT, found.id)
        refusals.record_refusal(
            "staff_code_refused", Per.REFERENCE, f"{found.id}", actor="staff", detail=f"staff {found.id}"
        )
        if failures == FREE_FAILURES:
            landlord_mails.staff_changed(found.email, what="codes")
        return Attempt()
    if step is not None:
        found.totp_step = step
        if second_factor.is_sealed_by_a_former_key(found.totp_secret):
            found.totp_secret = second_factor.seal(second_factor.unseal(found.totp_secret))
    else:
        landlord_mails.staff_changed(found.email, what="recovery", left=staff.recovery_codes_left(found))
    rate_limits.clear("staff code", Per.ACCOUNT, found.id)
    audit.record("staff_logged_in", actor="staff", detail=f"staff {found.id}")
    return Attempt(found)


def may_send_link(email: str, *, device: str, origin: str) -> tuple[Staff | None, bool]:
    """Count a request for a link to another password; tell whose address it is, and whether the link may leave."""
    begin_write()
    found = staff.find(email)
    whose = found if found is not None and found.is_enrolled else None
    number = whose.id if whose is not None else _NOBODY
    if not sessions.knows_device(number, device) and rate_limits.count_use("staff reset", Per.ORIGIN, origin) is None:
        return whose, False
    counted = str(number or f"address {digest(email.lower())[:32]}")
    return whose, rate_limits.count_use("staff reset", Per.ACCOUNT, counted) is not None
