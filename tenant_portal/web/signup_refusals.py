"""The refused sign-up: every fault in one round, and no password typed twice over (H14)."""

from typing import Any

from flask import request, session

from ..accounts import kept_passwords, number_pairs, refusals
from ..accounts.limited_acts import Per
from ..contracts import lookup
from ..db import begin_write, db
from . import identity, pair_flow
from .address_typos import suggested_address
from .forms import SignupForm
from .pages import page

#: The form field with one half of an accepted password.
HALF_FIELD = "moitie"


def form_page(form: SignupForm, *, status: int = 200, **context: Any) -> tuple[str, int]:
    """Return the page of the form."""
    return page(
        "signup/sign_up.html",
        form=form,
        status=status,
        suggestion=suggested_address(form.email.data or ""),
        **{**pair_flow.context(), **context},
    )


def restore_password(form: SignupForm) -> None:
    """Fill in the password that an earlier round accepted, unless another one was typed (H14)."""
    half = request.form.get(HALF_FIELD, "")
    if half and not form.password.data and not form.confirmation.data:
        form.password.data = form.confirmation.data = kept_passwords.restore(half, visit=_visit(form))


def _visit(form: SignupForm) -> str:
    """Return the secret of this browser's session; the token of each form rests on it."""
    return str(session.get(form.meta.csrf_field_name, ""))


def refuse(form: SignupForm, **context: Any) -> tuple[str, int]:
    """Record the failed step for the staff, once an hour (X20), and keep an accepted password for the next round."""
    reference = form.reference.data if not form.reference.errors else None
    per, whose = (Per.REFERENCE, reference.lstrip("0")) if reference else (Per.ORIGIN, identity.origin())
    begin_write()
    if form.failed_step and not context:
        contract = lookup.find(reference) if reference else None
        refusals.record_refusal("signup_refused", per, whose, contract=contract, step=form.failed_step)
    half = request.form.get(HALF_FIELD, "")
    if form.password.errors or form.confirmation.errors:
        half = ""
    elif not half or request.form.get("password"):
        half = kept_passwords.keep(form.password.data, visit=_visit(form), origin=identity.origin())
    db.session.commit()
    for field in (form.password, form.confirmation) if half else ():
        field.flags.required = False
    return form_page(form, half=half, **context)


def refuse_pair(form: SignupForm, attempt: number_pairs.PairAttempt) -> tuple[str, int]:
    """Tell that the numbers do not match, or the wait, beside the other faults."""
    return refuse(form, **pair_flow.refused(attempt))


def refuse_rest(form: SignupForm, origin: str) -> tuple[str, int]:
    """Refuse other fields beside the right numbers; that reveals the pair, so count it as a look (X01)."""
    number_pairs.count_refusal(form.reference.data, origin=origin)
    db.session.commit()
    return refuse(form)
