"""From a typed password to a login."""

from dataclasses import replace
from typing import Any

from flask import request, session

from .. import audit, public_urls, signals
from ..accounts import authentication, consents, freezing
from ..accounts.authentication import AuthenticatedAccount, KnownContract, LoginResult
from ..accounts.sessions import NO_ACCOUNT_ID
from ..db import db
from ..mail import notifications
from ..models import Account, Contract
from . import cookies, identity
from .device_names import device_name
from .forms import LoginForm, PortalForm
from .pages import page


def attempt_login(form: LoginForm, *, link_of: int | None = None) -> LoginResult:
    """Verify the form; `link_of` is the account of the page's link."""
    return try_password(form.reference.data or "", form.password.data or "", link_of=link_of)


def try_password(reference: str, password: str, *, link_of: int | None = None) -> LoginResult:
    """Verify a password; failures count for this device and address."""
    device, origin = cookies.device_mark(), identity.origin()
    return authentication.authenticate(reference, password, device=device, origin=origin, link_of=link_of)


def try_own_password(account: Account, password: str) -> LoginResult:
    """Verify the logged-in tenant's password; no session is enough by itself (ASVS 7.5.1)."""
    attempt = try_password(account.contracts[0].reference, password)
    holder = attempt.holder
    is_own = holder is not None and holder.id == account.id and not holder.is_frozen  # perhaps meanwhile
    return attempt if is_own else replace(attempt, holder=None)


def refuse(form: PortalForm, attempt: LoginResult, template: str, **context: Any) -> Any:
    """Show one alert for the pair (U25), or the wait after too many failures (T21)."""
    if attempt.is_alarm:
        alarmed = db.session.get(Account, attempt.alarmed_id or NO_ACCOUNT_ID)
        notifications.attempts(alarmed, contract_of(attempt), link=public_urls.public("password.forgotten"))
    db.session.commit()
    if attempt.wait is None:
        return page(template, form=form, refusal="pair", wait=None, **context)
    seconds = int(attempt.wait.total_seconds()) + 1
    answer = page(template, form=form, refusal="wait", wait=attempt.wait, status=429, **context)
    return (*answer, {"Retry-After": str(seconds)})


def refuse_frozen(form: PortalForm, holder: AuthenticatedAccount, template: str) -> tuple[str, int]:
    """Tell whoever knows the password that the account is frozen; others read the refusal of every login (H07)."""
    db.session.commit()
    is_disputed = freezing.is_disputed(holder)
    return page(template, form=form, refusal="frozen", frozen_at=holder.frozen_at, is_disputed=is_disputed)


def enter(attempt: LoginResult, holder: AuthenticatedAccount, form: LoginForm) -> bool:
    """Log in, and tell whether it was the first login, which finishes the account (step 12)."""
    is_first = not holder.is_finished
    if is_first:
        authentication.finish(holder.account)
        account, contract = holder.account, holder.account.contracts[0]
        notifications.welcome(account, contract, link=public_urls.public("login.log_in"))
        notifications.account_created(account, contract)
    elif not attempt.is_known_device:
        notifications.new_device(
            holder,
            KnownContract(attempt.contract_id, attempt.reference),
            device_name=device_name(request.user_agent.string),
            link=public_urls.public("password.forgotten"),
        )
    audit.record("logged_in", account=holder.id, step=12)
    identity.log_in(holder.id, language=holder.language, remember=bool(form.remember.data))
    if not is_first:
        db.session.commit()
        return False
    session["portal_first"] = True
    whose = {"account": holder.id, "reference": contract.reference}
    choices = {str(purpose): row.answer for purpose, row in consents.current(holder.id, contract.id).items()}
    db.session.commit()
    signals.send(signals.account_finished, **whose)
    signals.send(signals.choices_changed, **whose, choices=choices)
    return True


def contract_of(attempt: LoginResult) -> Contract | None:
    """Return the contract of an attempt; query without one too, so that the time reveals nothing (F9)."""
    return db.session.get(Contract, attempt.contract_id or NO_ACCOUNT_ID)
